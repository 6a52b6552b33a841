//! SEC-89: whoever a connection goes to must have a certificate for that very name, from somebody who is trusted.

use super::kit::{Bench, HOSTILE, return_of};
use crate::kit::Scratch;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// What is said in the clear before TLS begins.
#[derive(Clone, Copy)]
enum Before {
    Nothing,
    MySql,
    Postgres,
    StartTls,
    Nats,
}

/// A returner, its settings (`PORT`, and `CA` for a line that trusts the test's own authority), and what comes before TLS.
const LINES: &[(&str, &str, Before)] = &[
    ("webhook", "webhook.url: https://localhost:PORT/\nCA", Before::Nothing),
    ("elasticsearch", "elasticsearch.hosts: https://localhost:PORT\nCA", Before::Nothing),
    #[cfg(feature = "etcd")]
    ("etcd", "etcd.host: localhost\netcd.port: PORT\netcd.protocol: https\nCA", Before::Nothing),
    ("redis", "redis.host: localhost\nredis.port: PORT\nredis.ssl: true\nCA", Before::Nothing),
    ("mysql", "mysql.host: localhost\nmysql.port: PORT\nCA", Before::MySql),
    ("postgres", "returner.postgres.host: localhost\nreturner.postgres.port: PORT\nCA", Before::Postgres),
    (
        "pgjsonb",
        "returner.pgjsonb.host: localhost\nreturner.pgjsonb.port: PORT\nreturner.pgjsonb.sslmode: require\nCA",
        Before::Postgres,
    ),
    (
        "postgres_local_cache",
        "master_job_cache.postgres.host: localhost\nmaster_job_cache.postgres.port: PORT\nCA",
        Before::Postgres,
    ),
    (
        "smtp",
        "smtp.host: localhost\nsmtp.port: PORT\nsmtp.from: a@b.c\nsmtp.to: a@b.c\nsmtp.tls: wrapper\nCA",
        Before::Nothing,
    ),
    (
        "smtp",
        "smtp.host: localhost\nsmtp.port: PORT\nsmtp.from: a@b.c\nsmtp.to: a@b.c\nsmtp.tls: true\nCA",
        Before::StartTls,
    ),
    ("nats", "nats.servers: nats://localhost:PORT\nnats.tls: true\nCA", Before::Nats),
    ("mqtt", "mqtt.host: localhost\nmqtt.port: PORT\nmqtt.tls: true\nCA", Before::Nothing),
    ("amqp", "amqp.host: localhost\namqp.port: PORT\namqp.tls: true\nCA", Before::Nothing),
    #[cfg(feature = "xmpp")]
    (
        "xmpp",
        "xmpp.jid: a@localhost\nxmpp.password: p\nxmpp.recipient: b@localhost\nxmpp.port: PORT\nxmpp.tls: wrapper\nCA",
        Before::Nothing,
    ),
    #[cfg(feature = "cassandra")]
    (
        "cassandra_cql",
        "cassandra.cluster: localhost\ncassandra.port: PORT\ncassandra.ssl_options: {CA}",
        Before::Nothing,
    ),
    ("syslog", "syslog.host: localhost\nsyslog.port: PORT\nsyslog.transport: tls\nCA", Before::Nothing),
];

/// The key that names a file of certificates to trust.
fn ca_key(returner: &str) -> String {
    match returner {
        "cassandra_cql" => "ca_certs".to_owned(),
        "etcd" => "etcd.ca".to_owned(),
        "redis" => "redis.ssl_ca_certs".to_owned(),
        "mysql" => "mysql.ssl_ca".to_owned(),
        "postgres" | "pgjsonb" => format!("returner.{returner}.sslrootcert"),
        "postgres_local_cache" => "master_job_cache.postgres.sslrootcert".to_owned(),
        other => format!("{other}.ca_file"),
    }
}

/// Certificates with one key: of the authority the lines trust, and those of a server.
pub struct Papers(Scratch);

impl Papers {
    pub fn new() -> Papers {
        let papers = Papers(Scratch::new());
        for authority in ["ours", "unknown"] {
            papers.openssl(&format!(
                "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={authority} \
                 -keyout {authority}.key -out {authority}.pem"
            ));
        }
        papers.openssl("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=server -keyout key.pem -out request");
        std::fs::write(papers.0.path("right"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n").unwrap();
        std::fs::write(
            papers.0.path("wrong"),
            "subjectAltName=DNS:db.example.org,DNS:localhost.example.org\n",
        )
        .unwrap();
        papers.sign("good", "ours", "right", 2);
        papers.sign("wrong name", "ours", "wrong", 2);
        papers.sign("unknown authority", "unknown", "right", 2);
        // It is valid for the second it is made in.
        papers.sign("expired", "ours", "right", 0);
        papers.openssl("req -x509 -key key.pem -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -out self-signed.pem");
        std::thread::sleep(Duration::from_millis(1100));
        papers
    }

    fn openssl(&self, words: &str) {
        let openssl =
            Command::new("openssl").args(words.split_whitespace()).current_dir(&self.0.0).output().unwrap();
        assert!(openssl.status.success(), "{words}: {}", String::from_utf8_lossy(&openssl.stderr));
    }

    fn sign(&self, name: &str, authority: &str, names: &str, days: u8) {
        let out = name.replace(' ', "-");
        self.openssl(&format!(
            "x509 -req -in request -CA {authority}.pem -CAkey {authority}.key -CAcreateserial -days {days} -extfile {names} -out {out}.pem"
        ));
    }

    pub fn server(&self, name: &str) -> TlsAcceptor {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let certificate =
            CertificateDer::from_pem_file(self.0.path(&format!("{}.pem", name.replace(' ', "-")))).unwrap();
        let key = PrivateKeyDer::from_pem_file(self.0.path("key.pem")).unwrap();
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key);
        let mut config = config.unwrap();
        // Those who name protocols speak to nobody who does not know theirs.
        config.alpn_protocols = ["h2", "http/1.1"].map(Into::into).to_vec();
        TlsAcceptor::from(Arc::new(config))
    }

    pub fn authority(&self) -> std::path::PathBuf {
        self.0.path("ours.pem")
    }
}

const BAD: [&str; 4] = ["wrong name", "unknown authority", "expired", "self-signed"];

/// A server that counts the lines on which anything was said under its certificate.
struct Server {
    port: u16,
    trusted: Arc<AtomicUsize>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    async fn start(tls: TlsAcceptor, before: Before) -> Server {
        // `localhost` may be either.
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let trusted = Arc::new(AtomicUsize::new(0));
        let count = trusted.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let (tls, count) = (tls.clone(), count.clone());
                tokio::spawn(async move {
                    begin(&mut stream, before).await?;
                    let mut line = tls.accept(stream).await.ok()?;
                    if matches!(before, Before::Nothing) {
                        // Mail servers speak first.
                        line.write_all(b"220 here\r\n").await.ok()?;
                    }
                    let mut byte = [0];
                    line.read_exact(&mut byte).await.ok()?;
                    count.fetch_add(1, Ordering::SeqCst);
                    Some(())
                });
            }
        });
        Server { port, trusted, task }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn begin(stream: &mut TcpStream, before: Before) -> Option<()> {
    let mut heard = vec![0; 4096];
    match before {
        Before::Nothing => return Some(()),
        Before::MySql => {
            let mut hello =
                b"\x4a\0\0\0\x0a8.0.36\0\x01\0\0\0abcdefgh\0\x0f\xaa\x2d\x02\0\x08\0\x15".to_vec();
            hello.extend([0; 10]);
            hello.extend(b"ijklmnopqrst\0mysql_native_password\0");
            hello[0] = u8::try_from(hello.len() - 4).ok()?;
            stream.write_all(&hello).await.ok()?;
            // One packet, and no byte of what follows it.
            stream.read_exact(&mut heard[..36]).await.ok()?;
        }
        Before::Postgres => {
            stream.read_exact(&mut heard[..8]).await.ok()?;
            stream.write_all(b"S").await.ok()?;
        }
        Before::StartTls => {
            for (said, last) in
                [("220 here\r\n", false), ("250-here\r\n250 STARTTLS\r\n", false), ("220 go\r\n", true)]
            {
                stream.write_all(said.as_bytes()).await.ok()?;
                if !last {
                    stream.read(&mut heard).await.ok().filter(|length| *length > 0)?;
                }
            }
        }
        Before::Nats => {
            let info = "INFO {\"server_id\":\"x\",\"version\":\"2.10.0\",\"max_payload\":1048576,\"tls_required\":true,\"proto\":1,\
                        \"server_name\":\"x\",\"host\":\"x\",\"port\":1,\"go\":\"1\",\"headers\":true,\"client_id\":1}\r\n";
            stream.write_all(info.as_bytes()).await.ok()?;
        }
    }
    Some(())
}

/// Sends one return over such a line: how often the server was trusted. What was not delivered is kept.
async fn sent(line: &(&'static str, &str, Before), ca: Option<&Path>, tls: TlsAcceptor, more: &str) -> usize {
    let (returner, settings, before) = *line;
    let server = Server::start(tls, before).await;
    let ca = ca.map_or(String::new(), |ca| format!("{}: {}", ca_key(returner), ca.display()));
    let settings = settings.replace("PORT", &server.port.to_string()).replace("CA", &ca);
    // A global switch must not be one.
    let bench =
        Bench::new(&format!("verify_ssl: false\nssl_verify: false\nverify: false\n{settings}\n{more}"));
    bench.put(returner, vec![return_of("web1", HOSTILE)]).await;
    let flushed = bench.flush(returner).await;
    let trusted = server.trusted.load(Ordering::SeqCst);
    let kept = flushed.delivered == 1 || bench.waiting().await + flushed.dead == 1;
    assert!(kept, "{returner}: {flushed:?}");
    assert!(trusted > 0 || !flushed.error.is_empty(), "{returner}: {flushed:?}");
    trusted
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_89_only_the_right_certificate_is_trusted_by_every_kind_of_line() {
    let papers = Papers::new();
    let mut wrong = Vec::new();
    for line in LINES {
        let ca = papers.authority();
        if sent(line, Some(&ca), papers.server("good"), "").await == 0 {
            wrong.push(format!("{}: a good certificate is refused", line.0));
        }
        for bad in BAD {
            if sent(line, Some(&ca), papers.server(bad), "").await > 0 {
                wrong.push(format!("{}: {bad} is trusted", line.0));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_89_where_nothing_is_said_the_machines_own_authorities_decide() {
    let papers = Papers::new();
    let mut wrong = Vec::new();
    for line in LINES {
        let asked = match line.0 {
            // TLS is up to the server unless it is asked for.
            "mysql" => "mysql.ssl_ca: system",
            "postgres" | "pgjsonb" => {
                "returner.postgres.sslmode: verify-full\nreturner.pgjsonb.sslrootcert: system"
            }
            "postgres_local_cache" => "master_job_cache.postgres.sslrootcert: system",
            _ => "",
        };
        if sent(line, None, papers.server("good"), asked).await > 0 {
            wrong.push(line.0);
        }
    }
    assert_eq!(wrong, Vec::<&str>::new(), "an authority nobody knows was trusted");
}

#[test]
fn sec_89_verification_is_turned_off_in_one_place_for_one_endpoint_with_a_word_in_the_log() {
    const SWITCHES: [&str; 7] = [
        "danger_accept_invalid",
        "dangerous()",
        "set_certificate_verifier",
        "ServerCertVerifier",
        "danger_accept_invalid_hostnames",
        "insecure: true",
        "CertificateVerification::None",
    ];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in ["src", "roster", "thin", "states"] {
        for file in crate::cli::kit::files_below(&root.join(folder)) {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            if file.extension().is_some_and(|extension| extension == "rs") {
                let lines = text.lines().filter(|line| SWITCHES.iter().any(|switch| line.contains(switch)));
                found.extend(lines.map(|_| file.strip_prefix(root).unwrap().display().to_string()));
            }
        }
    }
    assert_eq!(found, ["src/returners/http/mod.rs"], "verification of certificates can be turned off");
    let text = std::fs::read_to_string(root.join("src/returners/http/mod.rs")).unwrap();
    let before = &text[..text.find("danger_accept_invalid").unwrap()];
    assert!(before.lines().rev().take(4).any(|line| line.contains("tracing::warn!")), "and the log says so");
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_89_one_endpoint_that_is_not_verified_makes_no_other_one_so() {
    let papers = Papers::new();
    let trusted = async |returner: &str| {
        let line = LINES.iter().find(|line| line.0 == returner).unwrap();
        sent(line, None, papers.server("self-signed"), "webhook.verify_ssl: false").await
    };
    assert_eq!((trusted("webhook").await, trusted("elasticsearch").await), (1, 0));
}

//! `xmpp` against a real Prosody.

use super::kit::{Bench, Flushed, Gate, HOSTILE, event, return_of};
use super::table::spool_of;
use super::tls::Papers;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use halite_site::Prosody;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

fn settings(server: &Prosody, port: u16) -> String {
    format!(
        "xmpp.jid: {}/fleet\nxmpp.password: '{}'\nxmpp.recipient: {}\nxmpp.host: 127.0.0.1\nxmpp.port: {port}\nxmpp.ca_file: {}\n",
        Prosody::USER,
        Prosody::PASSWORD,
        Prosody::READER,
        server.certificate.display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn sec_07_prosody_keeps_a_message_for_each_hostile_return_once_it_is_up() {
    let server = Prosody::start(false).unwrap();
    let mut gate = Gate::closed();
    let bench = Bench::new(&settings(&server, gate.port));
    let smuggled = "</body></message><presence/><message to='evil@localhost'><body>\u{1b}[31m\0";
    let items = vec![
        return_of("web1", HOSTILE),
        return_of("web2' to='evil@localhost", smuggled),
        return_of("web3", "x".repeat(300_000)),
        event("web1"),
    ];
    bench.put("xmpp", items).await;
    let down = bench.flush("xmpp").await;
    assert_eq!((down.delivered, down.dead, down.error.is_empty()), (0, 0, false));
    gate.open(server.port).await;
    assert_eq!(bench.flush("xmpp").await, Flushed { delivered: 4, dead: 0, error: String::new() });
    let texts = server.texts().unwrap();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(
        texts[0].starts_with("id: web1\nfunction: cmd.run\n") && texts[0].contains(HOSTILE),
        "{}",
        texts[0]
    );
    let plain = smuggled.replace(['\u{1b}', '\0'], "\u{fffd}");
    assert!(texts[1].contains(&plain) && texts[1].contains("id: web2' to='evil@localhost\n"), "{}", texts[1]);
    assert!(texts[2].ends_with(" ... (cut)") && texts[2].len() <= 10_000);
    assert!(texts[3].starts_with("tag: salt/job/"), "{}", texts[3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_may_come_first_and_the_plain_password_is_told_where_nothing_better_is_offered() {
    let server = Prosody::start(true).unwrap();
    let profile =
        settings(&server, server.tls_port).replace("xmpp.jid", "xmpp.profile: chat\nchat:\n  xmpp.jid");
    let profile = profile.replace("xmpp.password", "  xmpp.password") + "xmpp.tls: wrapper\n";
    Bench::new(&profile).send("xmpp", vec![return_of("web1", true)]).await;
    Bench::new(&settings(&server, server.port)).send("xmpp", vec![return_of("web2", true)]).await;
    assert_eq!(server.texts().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_wrong_passwords_and_unknown_recipients_are_told_without_the_password() {
    const CANARY: &str = "canary-c4f6e2-xmpp";
    let server = Prosody::start(false).unwrap();
    let right = settings(&server, server.port);
    let stranger = right.replace("xmpp.ca_file", "xmpp.not_ca_file");
    let wrong = right.replace(Prosody::PASSWORD, CANARY);
    let unknown = right.replace(Prosody::READER, "nobody@localhost");
    for (settings, wanted) in
        [(stranger, "certificate"), (wrong, "not-authorized"), (unknown, "service-unavailable")]
    {
        let bench = Bench::new(&settings);
        bench.put("xmpp", vec![return_of("web1", true)]).await;
        let Flushed { delivered, dead, error } = bench.flush("xmpp").await;
        assert_eq!((delivered, dead, bench.waiting().await), (0, 0, 1), "{error}");
        assert!(error.contains(wanted) && !error.contains(CANARY), "{error}");
        assert!(!spool_of(&bench).contains(CANARY));
    }
    assert!(server.texts().unwrap().is_empty());
}

/// What follows in the next element of this name.
async fn heard(line: &mut (impl AsyncRead + Unpin), name: &str) -> String {
    let (mut heard, end) = (String::new(), format!("</{name}>"));
    while !heard.ends_with(&end) {
        heard.push(char::from(line.read_u8().await.unwrap()));
    }
    let text = heard.trim_end_matches(&end).rsplit('>').next().unwrap();
    String::from_utf8(STANDARD.decode(text).unwrap()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_server_can_the_login_is_bound_to_the_very_line() {
    const FEATURES: &str = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
        xmlns:stream='http://etherx.jabber.org/streams' version='1.0'><stream:features>\
        <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-256-PLUS</mechanism></mechanisms>\
        <sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/></sasl-channel-binding>\
        </stream:features>";
    let papers = Papers::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, tls) = (listener.local_addr().unwrap().port(), papers.server("good"));
    let server = tokio::spawn(async move {
        let mut line = tls.accept(listener.accept().await.unwrap().0).await.unwrap();
        let exported =
            line.get_ref().1.export_keying_material([0; 32], b"EXPORTER-Channel-Binding", None).unwrap();
        line.write_all(FEATURES.as_bytes()).await.unwrap();
        let first = heard(&mut line, "auth").await;
        let nonce = first.strip_prefix("p=tls-exporter,,n=a,r=").unwrap();
        let challenge = STANDARD.encode(format!("r={nonce}x,s=c2FsdA==,i=4096"));
        let challenge =
            format!("<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>{challenge}</challenge>");
        line.write_all(challenge.as_bytes()).await.unwrap();
        let bound = STANDARD.encode([b"p=tls-exporter,,", &exported[..]].concat());
        assert!(heard(&mut line, "response").await.starts_with(&format!("c={bound},r={nonce}x,p=")));
    });
    let bench = Bench::new(&format!(
        "xmpp.jid: a@localhost\nxmpp.password: p\nxmpp.recipient: b@localhost\nxmpp.host: 127.0.0.1\nxmpp.port: {port}\n\
         xmpp.tls: wrapper\nxmpp.ca_file: {}",
        papers.authority().display()
    ));
    bench.put("xmpp", vec![return_of("web1", true)]).await;
    assert_eq!(bench.flush("xmpp").await.delivered, 0);
    server.await.unwrap();
}

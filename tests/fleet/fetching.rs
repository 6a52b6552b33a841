//! URLs on hosts that have nothing to fetch them with: the controller does, where it may.

use super::controller::Controller;
use super::site::{fleet, inside};
use halite_site::Fleet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One test at a time: runs of states on one host refuse each other.
static TURN: Mutex<()> = Mutex::new(());

/// A web server on the controller's side of the fleet, where hosts cannot reach it.
struct Server {
    address: SocketAddr,
    /// Paths that were asked for.
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn start(fleet: &'static Fleet, content: Vec<u8>) -> Server {
        let listener = fleet.enter(|| TcpListener::bind("127.0.0.1:0")).unwrap().unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (seen, content) = (asked.clone(), Arc::new(content));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (seen, content) = (seen.clone(), content.clone());
                std::thread::spawn(move || serve(stream, &seen, &content));
            }
        });
        Server { address, asked }
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn serve(mut stream: TcpStream, seen: &Mutex<Vec<String>>, content: &[u8]) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let path = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)).unwrap_or_default();
    lines.take_while(|line| !line.is_empty()).for_each(drop);
    seen.lock().unwrap().push(path.clone());
    let head = match path.as_str() {
        "/away" => "302 Found\r\nLocation: http://127.0.0.2:1/secret".to_owned(),
        "/none" => "404 Not Found".to_owned(),
        _ => "200 OK".to_owned(),
    };
    let body = if head.starts_with("200") { content } else { b"" };
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let _ = stream.read(&mut [0; 1]);
}

/// 3 MiB that do not repeat.
fn content() -> Vec<u8> {
    (0..3u32 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect()
}

fn sha256(fleet: &Fleet, host: &str, path: &str) -> String {
    inside(fleet, host, &format!("sha256sum {path}")).split(' ').next().unwrap().to_owned()
}

fn sha256_of(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn with_state(controller: Controller, name: &str, text: &str) -> Controller {
    let srv = controller.path("srv");
    std::fs::create_dir_all(&srv).unwrap();
    std::fs::write(srv.join(format!("{name}.sls")), text).unwrap();
    controller
}

fn controller(fleet: &'static Fleet) -> Controller {
    let controller = Controller::new(fleet).entry("a", "bare", &[]).entry("b", "barer", &[]);
    let srv = controller.path("srv");
    controller.configure(&format!("file_roots: {{base: [{}]}}\n", srv.display()));
    controller
}

#[test]
fn a_host_without_curl_and_wget_gets_its_urls_through_the_controller_once_for_all() {
    let Some(fleet) = fleet() else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let (bytes, wrong) = (content(), "0".repeat(64));
    let server = Server::start(fleet, bytes.clone());
    let (url, hash) = (server.url("/big"), sha256_of(&bytes));
    let state = |hash: &str| {
        format!(
            "/root/big:\n  file.managed:\n    - source: {url}\n    - source_hash: sha256={hash}\n    - mode: '0640'\n"
        )
    };
    let controller = with_state(controller(fleet), "big", &state(&hash));
    let answer = controller.ssh(&["*", "state.apply", "big"]);
    for (id, host) in [("a", "bare"), ("b", "barer")] {
        assert_eq!(answer.outcome(id), "ok", "{answer:#?}");
        assert_eq!(sha256(fleet, host, "/root/big"), hash);
        assert_eq!(inside(fleet, host, "stat -c %a /root/big"), "640");
    }
    assert_eq!(server.asked(), ["/big"], "one fetch for all hosts");
    // What has its hash is not asked for again.
    let again = controller.ssh(&["*", "state.apply", "big"]);
    assert_eq!((again.outcome("a"), server.asked().len()), ("ok", 0));
    let controller = with_state(controller, "big", &state(&wrong).replace("root/big", "root/bad"));
    let answer = controller.ssh(&["a", "state.apply", "big"]);
    assert!(format!("{:?}", answer.value("a")).contains(&hash), "{answer:#?}");
    inside(fleet, "bare", "test ! -e /root/bad");
}

#[test]
fn archives_and_cached_files_come_through_the_controller_too() {
    let Some(fleet) = fleet() else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let controller = controller(fleet);
    let made = controller.path("made");
    std::fs::create_dir_all(made.join("app")).unwrap();
    std::fs::write(made.join("app/hello"), "hello").unwrap();
    let packed =
        std::process::Command::new("tar").arg("-C").arg(&made).args(["-czf", "-", "app"]).output().unwrap();
    let hash = sha256_of(&packed.stdout);
    let server = Server::start(fleet, packed.stdout);
    let (url, sums) = (server.url("/app.tgz"), server.url("/other"));
    let states = format!(
        "/opt/app:\n  archive.extracted:\n    - source: {url}\n    - source_hash: {hash}\n    - enforce_toplevel: False\n\
         {sums}:\n  file.cached:\n    - source_hash: {hash}\n"
    );
    let controller = with_state(controller, "archive", &states);
    let answer = controller.ssh(&["a", "state.apply", "archive"]);
    assert_eq!(answer.outcome("a"), "ok", "{answer:#?}");
    assert_eq!(inside(fleet, "bare", "cat /opt/app/app/hello"), "hello");
    assert_eq!(server.asked(), ["/app.tgz", "/other"]);
}

#[test]
fn functions_with_urls_work_through_the_controller_and_say_what_does_not() {
    let Some(fleet) = fleet() else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::start(fleet, b"hello".to_vec());
    let controller = controller(fleet);
    let get = |path: &str| {
        server.asked();
        controller.ssh(&["a", "cp.get_url", &server.url(path), "/root/got", "makedirs=True"])
    };
    get("/x").is_text("a", "/root/got");
    assert_eq!(inside(fleet, "bare", "cat /root/got; stat -c %a /root/got"), "hello644");
    controller.ssh(&["a", "cp.get_file_str", &server.url("/y")]).is_text("a", "hello");
    get("/none").failed("a", "failed", &["no curl", "404"]);
    get("/away").failed("a", "failed", &["redirects"]);
    assert_eq!(inside(fleet, "bare", "cat /root/got; ls /root | grep -c got"), "hello1");
}

#[test]
fn files_of_ftp_servers_come_through_the_controller_too() {
    let Some(fleet) = fleet() else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    halite_site::ensure_packages(&["/usr/lib/python3/dist-packages/pyftpdlib"], &mut std::io::sink())
        .unwrap();
    let controller = controller(fleet);
    let (folder, bytes) = (controller.path("ftp"), content());
    std::fs::create_dir_all(folder.join("pub")).unwrap();
    std::fs::write(folder.join("pub/big one"), &bytes).unwrap();
    let free = fleet.enter(|| TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()));
    let address = free.unwrap().unwrap();
    let mut server = fleet.command("/usr/bin/python3");
    server.args(["-m", "pyftpdlib", "-i", "127.0.0.1", "-p", &address.port().to_string(), "-d"]).arg(&folder);
    let mut server = server.stderr(std::process::Stdio::null()).spawn().unwrap();
    while fleet.enter(|| TcpStream::connect(address)).unwrap().is_err() {
        assert!(server.try_wait().unwrap().is_none(), "the server ended");
        std::thread::sleep(Duration::from_millis(20));
    }
    let get = |path: &str| {
        controller.ssh(&["a", "cp.get_url", &format!("ftp://{address}/{path}"), "/root/ftp", "makedirs=True"])
    };
    let (got, missing, evil) = (get("pub/big%20one"), get("pub/none"), get("pub/x%0d%0aDELE%20y"));
    server.kill().unwrap();
    server.wait().unwrap();
    got.is_text("a", "/root/ftp");
    assert_eq!(sha256(fleet, "bare", "/root/ftp"), sha256_of(&bytes));
    missing.failed("a", "failed", &["550"]);
    evil.failed("a", "failed", &["control characters"]);
}

/// A host can ask for any URL it likes: its states are compiled there, of its own grains.
#[test]
fn no_host_makes_the_controller_fetch_what_nobody_wrote_down() {
    let Some(fleet) = fleet() else { return };
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let server = Server::start(fleet, b"secret".to_vec());
    let made = format!(
        "/root/made:\n  file.managed:\n    - source: {}{{{{ grains.where }}}}\n    - skip_verify: True\n",
        server.url("/")
    );
    let controller = with_state(controller(fleet), "made", &made);
    let says =
        |path: &str| assert_eq!(controller.ssh(&["a", "grains.setval", "where", path]).outcome("a"), "ok");
    says("inner/secret");
    let refused = |url: &str| {
        let answer = controller.ssh(&["a", "state.apply", "made"]);
        let said = format!("{:?}", answer.value("a"));
        assert!(said.contains("file_fetch_by_controller") && server.asked().is_empty(), "{url}: {said}");
    };
    refused("made of a grain");
    controller.configure(&format!("file_fetch_by_controller: ['{}']\n", server.url("/files/")));
    refused("beside the beginning that is listed");
    says("files/good");
    let answer = controller.ssh(&["a", "state.apply", "made"]);
    assert_eq!((answer.outcome("a"), server.asked()), ("ok", vec!["/files/good".to_owned()]), "{answer:#?}");
    assert_eq!(inside(fleet, "bare", "cat /root/made"), "secret");
    controller.ssh(&["a", "grains.delval", "where", "destructive=True"]);
}

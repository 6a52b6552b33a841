//! Returners that end on this machine: files, sockets, programs, the terminal.

use super::kit::{Bench, HOSTILE, JID, return_of, states_of};
use crate::cli::kit::{User, answers, hosts};
use std::os::unix::fs::PermissionsExt;
use tokio::io::AsyncReadExt;

#[tokio::test]
async fn highstate_reports_runs_of_states_in_three_formats_and_nothing_else() {
    for (format, wanted) in [("yaml", "failed: 1"), ("json", "\"failed\":1"), ("html", "file.managed")] {
        let settings =
            format!("highstate.report_format: {format}\nhighstate.file_output: '{{dir}}/report-{{id}}'");
        let bench = Bench::new(&settings);
        bench.send("highstate", vec![return_of("web2", HOSTILE), states_of("web1")]).await;
        let report = std::fs::read_to_string(bench.path("report-web1")).unwrap();
        assert!(report.contains(wanted) && !report.contains("__style__"), "{format}: {report}");
        assert!(!bench.path("report-web2").exists(), "no states, no report");
    }
}

#[tokio::test]
async fn the_journal_gets_fields_that_hold_anything() {
    let bench = Bench::new("journald.socket: '{dir}/journal'");
    let journal = tokio::net::UnixDatagram::bind(bench.path("journal")).unwrap();
    bench.send("journald", vec![return_of("web1", HOSTILE)]).await;
    let mut entry = vec![0; 65_536];
    let length = journal.recv(&mut entry).await.unwrap();
    let text = String::from_utf8_lossy(&entry[..length]).into_owned();
    assert!(text.contains("HALITE_ID\n\x04\0\0\0\0\0\0\0web1\n"), "{text:?}");
    assert!(text.contains("HALITE_JID\n\x14\0\0\0\0\0\0\0"), "{text:?}");
    let json = &text[text.find('{').unwrap()..text.trim_end().len()];
    assert_eq!(serde_json::from_str::<serde_json::Value>(json).unwrap()["return"], HOSTILE);
}

#[tokio::test]
async fn zabbix_gets_a_trap_for_each_state_that_failed_or_changed() {
    let bench = Bench::new("zabbix.sender: '{dir}/sender'\nzabbix.config: /etc/agent.conf");
    let sender = bench.path("sender");
    let told = bench.path("told");
    std::fs::write(&sender, format!("#!/bin/sh\necho \"$@\" >>{0}\ncat >>{0}\n", told.display())).unwrap();
    std::fs::set_permissions(&sender, std::fs::Permissions::from_mode(0o755)).unwrap();
    bench.send("zabbix", vec![states_of("web1")]).await;
    bench.send("zabbix", vec![return_of("web2", true)]).await;
    let text = std::fs::read_to_string(told).unwrap();
    assert!(text.contains("-c /etc/agent.conf -i -\n"), "{text}");
    assert!(text.contains("\"-\" salt.trap.high \"SALT:\\nname: /etc/s2\\ncomment: said\"\n"), "{text}");
    assert!(text.contains("salt.trap.warning \"SALT:\\nname: /etc/s1"), "{text}");
    assert!(text.contains("salt.trap.info \"SALT web2 OK\"\n"), "{text}");
}

#[tokio::test]
async fn carbon_gets_numbers_as_text_and_as_pickles_that_python_reads() {
    for mode in ["text", "pickle"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let bench = Bench::new(&format!("carbon.host: 127.0.0.1\ncarbon.port: {port}\ncarbon.mode: {mode}"));
        let reading = tokio::spawn(async move {
            let mut bytes = Vec::new();
            listener.accept().await.unwrap().0.read_to_end(&mut bytes).await.unwrap();
            bytes
        });
        let load = halite_wire::Map::from([("1 m", 0.5), ("5m", 2.0)]);
        bench.send("carbon", vec![return_of("web.1", load)]).await;
        let bytes = reading.await.unwrap();
        let text = if mode == "text" { String::from_utf8(bytes).unwrap() } else { unpickled(&bench, &bytes) };
        let seconds = super::kit::jid_seconds();
        assert_eq!(text, format!("cmd.run.web_1.1_m 0.5 {seconds}\ncmd.run.web_1.5m 2 {seconds}\n"), "{JID}");
    }
}

/// What Python makes of a pickle with its length in front, in the form of the text.
fn unpickled(bench: &Bench, bytes: &[u8]) -> String {
    const READ: &str = "import pickle,struct,sys\nb=open(sys.argv[1],'rb').read()\nassert struct.unpack('!L',b[:4])[0]==len(b)-4\n\
        for n,(t,v) in pickle.loads(b[4:]): print(n, f'{v:g}', t)";
    std::fs::write(bench.path("pickle"), bytes).unwrap();
    let python =
        std::process::Command::new("python3").args(["-c", READ]).arg(bench.path("pickle")).output().unwrap();
    assert!(python.status.success(), "{python:?}");
    String::from_utf8(python.stdout).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn local_writes_to_stderr_and_leaves_stdout_to_results() {
    let all = hosts(1, &answers(vec![], true)).await;
    let user = User::of(&all);
    let end = user.ssh(&["*", "test.ping", "--out", "json", "--return", "local"]).await;
    assert_eq!(end.code, Some(0), "{end:?}");
    assert!(end.stderr.contains("\"id\":\"h00\"") && !end.stdout.contains("\"fun\""), "{end:?}");
}

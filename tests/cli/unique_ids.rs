//! `unique_jid`: ids that end with the process of their job, wherever a user meets them.

use super::kit::{User, answers, hosts};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn ids_that_end_with_the_process_serve_wherever_a_job_is_named() {
    let hosts = hosts(2, &answers(vec![], "one")).await;
    let user = User::of(&hosts);
    let master = std::fs::read_to_string(user.path("conf/master")).unwrap();
    std::fs::write(user.path("conf/master"), master + "unique_jid: True\n").unwrap();
    let child = user.halite("ssh", &["*", "cmd.run", "x"]).spawn().unwrap();
    let pid = child.id().unwrap();
    assert!(child.wait_with_output().await.unwrap().status.success());
    let jid = user.the_job().await.0.jid.to_string();
    assert!(jid.len() > 21 && jid.ends_with(&format!("_{pid}")), "{jid}");

    let listed = user.jobs(&[]).await;
    assert!(listed.stdout.lines().nth(1).unwrap().starts_with(&format!("{jid}  ")), "{listed:?}");
    assert!(user.jobs(&["--until", "1s", "--since", jid.as_str()]).await.code == Some(0));
    for words in [&[jid.as_str()][..], &["show", &jid], &["export", &jid], &["diff", &jid, "last"]] {
        let shown = user.jobs(words).await;
        assert!(shown.code == Some(0) && shown.stderr.is_empty(), "{words:?}: {shown:?}");
    }
    let looked = user.run(&["jobs.lookup_jid", &jid, "--out", "json"]).await;
    let found: Value = serde_json::from_str(&looked.stdout).unwrap_or_default();
    assert_eq!(found, json!({"h00": "one", "h01": "one"}), "{looked:?}");
    let found = user.run(&["jobs.list_jobs", &format!("end_time={}", &jid[..20]), "--out", "json"]).await;
    assert!(found.stdout.contains(&jid), "all of a moment is within it: {found:?}");
    let again = super::kit::ended(user.halite("rerun", &[jid.as_str()])).await;
    assert_eq!(again.code, Some(0), "{again:?}");
    let chosen = "20171025203830123456_1234";
    assert_eq!(user.ssh(&["*", "cmd.run", "y", "--jid", chosen]).await.code, Some(0));
    assert!(user.jobs(&["show", chosen]).await.stdout.contains("2017-10-25"));
    let wrong = user.jobs(&["show", "20171025203830123456_"]).await;
    assert!(wrong.code == Some(64) && wrong.stderr.contains("_NUMBER"), "{wrong:?}");
}

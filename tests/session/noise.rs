//! What login scripts print, and what a far end sends besides its answer.

use crate::kit::{assert_true, host_of, kind, ping, ping_exec, ping_script};
use halite::fleet::outcome::{HostErrorKind, Outcome, Reached};
use halite_faults::{Act, Exec, FakeHost, Script};
use halite_wire::frame::MAGIC;
use halite_wire::message::{FromThin, Hello};

fn hello() -> Act {
    Act::Frame(FromThin::Hello(Hello { protocol: 1, pid: 1 }))
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_11_noise_of_login_scripts_is_kept_apart() {
    let noises: [&[u8]; 6] = [
        b"Last login: today\r\n",
        b"{\"return\": false}\n",
        b"\xff\xfe\x00",
        &MAGIC,
        b"HALITE-00000000000000000000000000000000 NEED Linux x86_64 gzip\n",
        &[b'x'; 60_000],
    ];
    for noise in noises {
        let acts = vec![Act::Stdout(noise.to_vec()), Act::Stderr(noise.to_vec())];
        let record = ping_exec(Exec::ActsThenShell(acts)).await;
        assert_true(&record);
        assert_eq!(record.noise, noise);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_11_noise_without_end_is_no_shell() {
    let record = ping_exec(Exec::ActsThenShell(vec![Act::Stdout(vec![b'n'; 1 << 20])])).await;
    assert!(matches!(kind(&record), HostErrorKind::Unsupported(why) if why.contains("nnnn")), "{record:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_12_a_forced_command_is_named_by_what_it_says() {
    let script = |line: &str| vec!["/bin/sh".to_owned(), "-c".to_owned(), line.to_owned()];
    let record = ping_exec(Exec::Program(script("echo only backups here; exit 1"))).await;
    assert!(
        matches!(kind(&record), HostErrorKind::Unsupported(why) if why.contains("only backups here")),
        "{record:?}"
    );
    assert_eq!(record.reached(), Reached::NotStarted);
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_13_an_account_without_a_shell_is_named() {
    let nologin = vec!["/usr/sbin/nologin".to_owned()];
    let record = ping_exec(Exec::Program(nologin)).await;
    assert!(
        matches!(kind(&record), HostErrorKind::Unsupported(why) if why.contains("account is currently not available")),
        "{record:?}"
    );
    let record = ping_exec(Exec::Program(vec!["/bin/false".to_owned()])).await;
    assert!(matches!(kind(&record), HostErrorKind::Unsupported(_)), "{record:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_13_ten_login_shells_start_the_thin() {
    let shells: [&[&str]; 10] = [
        &["/bin/sh", "-c"],
        &["/bin/bash", "-c"],
        &["/bin/bash", "--norc", "--login", "-c"],
        &["/bin/rbash", "-c"],
        &["/bin/dash", "-c"],
        &["/bin/busybox", "ash", "-c"],
        &["/bin/zsh", "-c"],
        &["/bin/tcsh", "-c"],
        &["/bin/csh", "-c"],
        &["/usr/bin/fish", "-c"],
    ];
    for shell in shells {
        let fake = FakeHost::start(Script {
            exec: Exec::Program(shell.iter().map(|word| (*word).to_owned()).collect()),
            ..Script::default()
        })
        .await;
        let host = host_of(&fake);
        for round in ["first contact", "thin present"] {
            let record = ping(&host).await;
            assert!(
                matches!(&record.outcome, Outcome::Returned(ret) if ret.success),
                "{shell:?}, {round}: {record:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_13_a_shell_from_before_fish_3_starts_the_thin() {
    let fish_2 = "case \"$1\" in test*) echo \"fish: Unsupported use of '&&'. In fish, please use 'COMMAND; and \
                  COMMAND'.\" >&2; exit 127;; esac; exec sh -c \"$1\"";
    let program = ["/bin/sh", "-c", fish_2, "fish"].map(str::to_owned).to_vec();
    let fake = FakeHost::start(Script { exec: Exec::Program(program), ..Script::default() }).await;
    let host = host_of(&fake);
    for round in ["first contact", "thin present"] {
        let record = ping(&host).await;
        assert!(matches!(&record.outcome, Outcome::Returned(ret) if ret.success), "{round}: {record:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_26_the_end_frame_decides_whatever_follows() {
    let tails = [
        vec![],
        vec![Act::Exit(0), Act::Close],
        vec![Act::Exit(3), Act::Exit(0), Act::Eof, Act::Close],
        vec![Act::Eof, Act::Stdout(b"late".to_vec()), Act::Close],
        vec![Act::Close],
        vec![Act::Signal, Act::Close],
    ];
    for tail in tails {
        let acts = [vec![Act::Greet, hello(), Act::ReturnTrue], tail].concat();
        assert_true(&ping_exec(Exec::Acts(acts)).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_25_an_end_without_the_end_frame_is_never_good() {
    let tails = [
        vec![Act::Exit(0), Act::Eof, Act::Close],
        vec![Act::Signal, Act::Close],
        vec![Act::Exit(137), Act::Close],
        vec![Act::Frame(FromThin::ReturnPart(vec![1, 2, 3])), Act::Exit(0), Act::Close],
        vec![Act::Drop],
    ];
    for tail in tails {
        let acts = [vec![Act::Greet, hello()], tail].concat();
        let record = ping_exec(Exec::Acts(acts)).await;
        assert!(matches!(kind(&record), HostErrorKind::Lost { .. }), "{record:?}");
        assert_eq!(record.reached(), Reached::MayHaveRun);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tgt_30_a_return_with_a_wrong_digest_is_refused() {
    let part = FromThin::ReturnPart(vec![0xc0]);
    let end = FromThin::End { total: 1, digest: [7; 32] };
    let acts = vec![Act::Greet, hello(), Act::Frame(part), Act::Frame(end)];
    let record = ping_script(Script { exec: Exec::Acts(acts), ..Script::default() }).await;
    assert!(matches!(kind(&record), HostErrorKind::Protocol(_)), "{record:?}");
}

//! Real programs, run as a module would run them.

use super::*;

fn sh(script: &str) -> Command {
    Command::shell("/bin/sh", script)
}

fn alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    !stat.is_empty() && !stat.contains(") Z ")
}

#[test]
fn streams_are_kept_apart_or_merged() {
    let apart = sh("echo out; echo err >&2; exit 3").run().unwrap();
    assert_eq!((apart.code, &apart.stdout[..], &apart.stderr[..]), (3, &b"out\n"[..], &b"err\n"[..]));
    let merged = sh("echo out; echo err >&2").merge_stderr().run().unwrap();
    assert_eq!((merged.text().as_str(), merged.stderr.len()), ("out\nerr\n", 0));
    assert_eq!((apart.notes.len(), merged.notes.len()), (0, 0));
}

#[test]
fn a_program_that_is_done_is_not_waited_for() {
    let start = Instant::now();
    for command in [sh("echo a"), sh("echo a").merge_stderr(), sh("echo a").terminal(), sh("cat").stdin("a")]
    {
        assert_eq!(command.run().unwrap().notes, [""; 0]);
    }
    assert!(start.elapsed() < OUTPUT_GRACE, "{:?}", start.elapsed());
}

#[test]
fn tgt_28_stdin_is_empty_unless_given() {
    assert_eq!(Command::new(["cat"]).run().unwrap().stdout, b"");
    let big = vec![b'x'; 3 << 20];
    assert_eq!(Command::new(["cat"]).stdin(big.clone()).run().unwrap().stdout, big);
    let deaf = Command::new(["true"]).stdin(big).run().unwrap();
    assert_eq!(deaf.code, 0);
}

#[test]
fn a_signal_is_a_negative_exit_code() {
    assert_eq!(sh("kill -9 $$").run().unwrap().code, -9);
}

#[test]
fn arguments_reach_the_program_unchanged() {
    let odd = "a b;$(touch x) 'q' \"d\" *\n-rf";
    assert_eq!(Command::new(["printf", "%s", odd]).run().unwrap().text(), odd);
}

#[test]
fn the_deadline_ends_the_whole_group() {
    let start = Instant::now();
    let output = sh("sleep 60 & echo $!; wait").timeout(Duration::from_millis(300)).run().unwrap();
    assert!(output.timed_out && start.elapsed() < Duration::from_secs(2), "{output:?}");
    let gone = (0..100).any(|_| {
        std::thread::sleep(Duration::from_millis(10));
        !alive(&output.text())
    });
    assert!(gone, "the child outlived the deadline");
}

#[test]
fn what_ignores_sigterm_is_killed() {
    let output =
        sh("trap '' TERM; while :; do sleep 1; done").timeout(Duration::from_millis(100)).run().unwrap();
    assert_eq!((output.timed_out, output.code), (true, -9));
}

#[test]
fn tgt_27_a_daemonised_child_does_not_hold_the_return() {
    let start = Instant::now();
    let output = sh("sleep 5 & echo $!").run().unwrap();
    let child = output.text();
    assert!(start.elapsed() < Duration::from_secs(3), "waited {:?}", start.elapsed());
    assert!(alive(&child), "the child should live on");
    assert_eq!(output.notes.len(), 1, "{:?}", output.notes);
    Command::new(["kill", child.trim()]).run().unwrap();
}

#[test]
fn output_above_the_cap_is_counted_and_cut() {
    let output = sh("head -c 100000 /dev/zero; echo e >&2").capture_at_most(1000, 10).run().unwrap();
    assert_eq!((output.stdout.len(), output.stderr.as_slice()), (1000, &b"e\n"[..]));
    assert_eq!(output.notes, ["stdout: the first 1000 bytes are kept, 99000 more were cut"]);
}

#[test]
fn surroundings_are_as_asked() {
    let output =
        sh("pwd; umask; echo $A$HOME").cwd("/usr").umask(0o27).clean_env().env("A", "1").run().unwrap();
    assert_eq!(output.text(), "/usr\n0027\n1\n");
}

#[test]
fn what_cannot_start_says_why() {
    let missing = Command::new(["no-such-program-here"]).run().unwrap_err();
    assert!(matches!(&missing, ProcessError::Start { error, .. } if error.kind() == io::ErrorKind::NotFound));
    assert!(matches!(Command::new([""; 0]).run(), Err(ProcessError::Empty)));
    assert!(matches!(Command::new(["true"]).cwd("/etc/passwd").run(), Err(ProcessError::Cwd { .. })));
}

#[test]
fn another_user_has_its_groups_and_no_others() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let identity = Identity { uid: 65_534, gid: 65_533, groups: vec![65_533, 12] };
    let output = Command::new(["id"]).identity(identity).cwd("/").run().unwrap();
    let text = output.text();
    assert!(text.contains("uid=65534") && text.contains("gid=65533") && text.contains("12"), "{text}");
    assert!(!text.contains("root"), "{text}");
    assert!(rustix::process::geteuid().is_root() && rustix::process::getuid().is_root());
}

#[test]
fn names_become_identities() {
    assert_eq!(Identity::resolve(None, None), Ok(None));
    assert_eq!(
        Identity::resolve(Some("no-such-user"), None),
        Err(IdentityError::NoUser("no-such-user".into()))
    );
    assert_eq!(
        Identity::resolve(None, Some("no-such-group")),
        Err(IdentityError::NoGroup("no-such-group".into()))
    );
}

#[test]
fn programs_are_found_in_the_path() {
    assert!(which("sh").unwrap().ends_with("sh"));
    assert_eq!(which("/bin/sh"), Some("/bin/sh".into()));
    assert_eq!(which("no-such-program-here"), None);
    assert_eq!(which(""), None);
    assert_eq!(which_in("sh".as_ref(), "/nowhere".as_ref()), None);
}

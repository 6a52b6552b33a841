//! `state.pkg`: tarballs as salt-ssh prepares them.

use super::*;
use std::process::Command;

/// Chunks as a compiler leaves them.
const LOW: &str = r#"[
 {"state": "file", "fun": "managed", "name": "ROOT/made", "__id__": "made", "__sls__": "web", "__env__": "base",
  "source": "salt://files/made.jinja", "template": "jinja", "order": 10000},
 {"state": "test", "fun": "nop", "name": "after", "__id__": "after", "__sls__": "web", "__env__": "base",
  "order": 10001, "require": [{"file": "made"}]}]"#;

const MADE: &str = "{{ pillar.who }} on {{ grains.os }}, {% include 'files/more' %}\n";

/// The tarball of these files, and its SHA-256.
fn tarball(work: &Work, files: &[(&str, &str)], options: &[&str]) -> (String, String) {
    let folder = work.0.join("gen");
    for (path, text) in files {
        let file = folder.join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text.replace("ROOT", work.0.to_str().unwrap())).unwrap();
    }
    let path = work.0.join("state.tgz");
    let names = files.iter().map(|(path, _)| *path);
    let made =
        Command::new("tar").args(options).arg("-czf").arg(&path).arg("-C").arg(&folder).args(names).status();
    assert!(made.unwrap().success());
    let sum = halite_modules::digest::of_file("sha256", &path).unwrap();
    (path.to_str().unwrap().to_owned(), sum)
}

fn run(work: &Work, args: Args) -> (Result<Value, CallError>, i64, String) {
    with(work, &mut Controller::default(), 0, |ctx| {
        let value = call(ctx, "state.pkg", args);
        (value, ctx.retcode, ctx.notes.join("\n"))
    })
}

fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        ("lowstate.json", LOW),
        ("pillar.json", r#"{"who": "me"}"#),
        ("base/files/made.jinja", MADE),
        ("base/files/more", "and more"),
    ]
}

#[test]
fn a_prepared_run_has_its_own_files_and_pillar_and_leaves_nothing_behind() {
    let work = Work::new();
    let (path, sum) = tarball(&work, &files(), &[]);
    let args = || Args::of([path.as_str(), sum.as_str(), "sha256"]);
    let made = work.0.join("made");
    let (value, retcode, _) = run(&work, args().with("test", true));
    let result =
        |value: &Value, at: usize| value.as_map().unwrap().values().nth(at).unwrap().get("result").cloned();
    let value = value.unwrap();
    assert_eq!((result(&value, 0), retcode, made.exists()), (Some(Value::Null), 0, false), "{value:?}");
    let (value, retcode, _) = run(&work, args());
    let value = value.unwrap();
    let results = [result(&value, 0), result(&value, 1)];
    assert_eq!((results, retcode), ([Some(true.into()), Some(true.into())], 0), "{value:?}");
    assert_eq!(std::fs::read_to_string(made).unwrap(), "me on Debian, and more\n");
    let left: Vec<_> = std::fs::read_dir(&work.0).unwrap().flatten().map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with("state_pkg")), "{left:?}");
}

#[test]
fn a_tarball_that_is_not_the_one_meant_or_leads_out_of_its_folder_is_not_run() {
    let work = Work::new();
    let (path, sum) = tarball(&work, &files(), &[]);
    let nothing = |args: Args, why: &str| {
        let (value, retcode, notes) = run(&work, args);
        assert_eq!((value.unwrap(), retcode), (Map::new().into(), 1), "{notes}");
        assert!(notes.contains(why), "{notes}");
    };
    nothing(Args::of([path.as_str(), "00", "sha256"]), &sum);
    nothing(Args::of(["/no/such.tgz", sum.as_str(), "sha256"]), "No such file");
    let (path, sum) = tarball(&work, &files(), &["--transform", "s#base/files/more#base/../../canary#"]);
    nothing(Args::of([path.as_str(), sum.as_str(), "sha256"]), "leads out of the folder");
    assert!(!work.0.join("made").exists() && !work.0.join("canary").exists());
    let (path, sum) = tarball(&work, &[("lowstate.json", r#"["SLS web does not compile"]"#)], &[]);
    let (value, retcode, _) = run(&work, Args::of([path.as_str(), sum.as_str(), "sha256"]));
    assert_eq!((value.unwrap(), retcode), (Value::List(vec!["SLS web does not compile".into()]), 1));
}

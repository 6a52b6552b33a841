//! Calls of `cmd.*`, against real programs.

use crate::context::alone;
use crate::{Args, CallError, Ctx, call};
use halite_wire::{Map, Value};
use std::time::Instant;

/// As a user calls it: published, so that texts go through the shell.
fn published(args: Args) -> Args {
    args.with("__pub_jid", "20260101000000000000").with("shell", "/bin/sh")
}

fn ask(fun: &str, args: Args) -> Value {
    alone(|ctx| call(ctx, fun, published(args)).unwrap())
}

fn look(fun: &str, args: Args) -> Value {
    alone(|ctx| call(ctx, fun, args).unwrap())
}

fn wrong(fun: &str, args: Args) -> String {
    alone(|ctx| call(ctx, fun, published(args)).unwrap_err().to_string())
}

fn with_retcode(fun: &str, args: Args) -> (Result<Value, CallError>, i64) {
    alone(|ctx| (call(ctx, fun, published(args)), ctx.retcode))
}

fn text(text: &str) -> Value {
    Value::from(text)
}

#[test]
fn run_answers_both_streams_and_sets_the_exit_code() {
    let (value, retcode) = with_retcode("cmd.run", Args::of(["echo a; echo b >&2; exit 3"]));
    assert_eq!((value, retcode), (Ok(text("a\nb")), 3));
    let (_, retcode) = with_retcode("cmd.run", Args::of(["exit 3"]).with("ignore_retcode", true));
    assert_eq!(retcode, 0);
    let (_, retcode) = with_retcode("cmd.run", Args::of(["exit 3"]).with("success_retcodes", 3));
    assert_eq!(retcode, 0);
    let (_, retcode) =
        with_retcode("cmd.run", Args::of(["echo fine; exit 3"]).with("success_stdout", "fine"));
    assert_eq!(retcode, 0);
}

#[test]
fn run_all_has_salts_shape() {
    let value = ask("cmd.run_all", Args::of(["echo a; echo b >&2; kill -9 $$"]));
    let keys: Vec<_> = value.as_map().unwrap().keys().filter_map(Value::as_str).collect();
    assert_eq!(keys, ["pid", "retcode", "stdout", "stderr"]);
    assert_eq!(value.get("retcode"), Some(&Value::Int(-9)));
    assert_eq!((value.get("stdout"), value.get("stderr")), (Some(&text("a")), Some(&text("b"))));
}

#[test]
fn each_function_answers_its_part() {
    let both = || Args::of(["echo a; echo b >&2; exit 4"]);
    assert_eq!(ask("cmd.run_stdout", both()), text("a"));
    assert_eq!(ask("cmd.run_stderr", both()), text("b"));
    assert_eq!(ask("cmd.retcode", both()), Value::Int(4));
    assert_eq!(ask("cmd.shell", both()), text("a\nb"));
    assert_eq!(ask("cmd.run", both().with("hide_output", true)), text(""));
    assert_eq!(ask("cmd.run", both().with("redirect_stderr", false)), text("a"));
    assert_eq!(ask("cmd.run", Args::of(["echo 'a  '"]).with("rstrip", false)), text("a  \n"));
}

#[test]
fn only_published_texts_go_through_the_shell() {
    let inner = |ctx: &mut Ctx| call(ctx, "cmd.run", Args::of(["echo $HOME; id"])).unwrap();
    assert_eq!(alone(inner), text("$HOME; id"));
    assert_eq!(ask("cmd.run", Args::of(["echo $((1+1))"]).with("python_shell", false)), text("$((1+1))"));
    let words = Value::from(vec!["echo", "a  b;", "$(id)"]);
    assert_eq!(ask("cmd.run", Args::of([words])), text("a  b; $(id)"));
}

#[test]
fn tgt_31_bytes_that_are_not_utf_8_survive() {
    assert_eq!(ask("cmd.run", Args::of([r"printf '\377\000x'"])), Value::Bytes(vec![255, 0, b'x']));
    let latin = Args::of([r"printf '\344'"]).with("output_encoding", "latin-1");
    assert_eq!(ask("cmd.run", latin), text("ä"));
    assert!(wrong("cmd.run", Args::of(["true"]).with("output_encoding", "klingon")).contains("klingon"));
}

#[test]
fn tgt_31_any_bytes_come_back_identical() {
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed
    };
    for round in 0..60 {
        let len = usize::try_from(random() % if round % 20 == 0 { 300_000 } else { 40 }).unwrap();
        // Few kinds of bytes in some rounds, so that UTF-8 and line ends at the end come up, too.
        let kinds = if round % 2 == 0 { 256 } else { 16 };
        let bytes: Vec<u8> = (0..len).map(|_| (random() % kinds) as u8).collect();
        let args = Args::of(["cat"])
            .with("stdin", Value::from_bytes(bytes.clone()))
            .with("stdin_raw_newlines", true);
        assert_eq!(ask("cmd.run", args.with("rstrip", false)), Value::from_bytes(bytes));
    }
}

#[test]
fn surroundings_are_as_asked() {
    let env = Value::Map(Map::from_iter([("A", Value::Int(1))]));
    let list = Value::from(vec![env.clone()]);
    assert_eq!(ask("cmd.run", Args::of(["echo $A$LC_TIME"]).with("env", env)), text("1C"));
    assert_eq!(ask("cmd.run", Args::of(["echo $A"]).with("env", list)), text("1"));
    assert_eq!(
        ask("cmd.run", Args::of(["echo $PATH"]).with("prepend_path", "/opt/x").with("clean_env", true)),
        text("/opt/x")
    );
    assert_eq!(
        ask("cmd.run", Args::of(["pwd; umask"]).with("cwd", "/usr").with("umask", 27)),
        text("/usr\n0027")
    );
    assert_eq!(ask("cmd.run", Args::of(["cat"]).with("stdin", "a\\nb")), text("a\nb"));
}

#[test]
fn mistakes_are_named() {
    assert_eq!(
        wrong("cmd.run", Args::of(["ls"]).with("unmask", 2)),
        "cmd.run: no argument is named 'unmask'. Did you mean umask?"
    );
    let cases = [
        ("umask", "9", "umask '9'"),
        ("cwd", "/no/where", "'/no/where' of cwd="),
        ("cwd", "usr", "not absolute"),
        ("timeout", "soon", "not soon"),
        ("env", "A=1", "'env' must be a map"),
        ("runas", "no-such-user", "user 'no-such-user'"),
    ];
    for (key, bad, told) in cases {
        let why = wrong("cmd.run", Args::of(["ls"]).with(key, bad));
        assert!(why.contains(told), "{key}={bad}: {why}");
    }
    let shell = Args::of(["ls"]).with("python_shell", true).with("shell", "/bin/no-such-shell");
    let refused = alone(|ctx| call(ctx, "cmd.run", shell).unwrap_err());
    assert_eq!(refused, CallError::failed("the shell /bin/no-such-shell is not available"));
    assert!(wrong("cmd.run", Args::of(["ls"]).with("umask", "0")).contains("zero"));
    assert!(wrong("cmd.run", Args::of([" "])).contains("empty"));
    assert!(
        wrong("cmd.run", Args::of(["no-such-program"]).with("python_shell", false))
            .contains("no-such-program")
    );
    assert_eq!(wrong("cmd.run", Args::of(["echo out; exit 1"]).with("raise_err", true)), "out");
}

#[test]
fn a_timeout_ends_the_command_and_is_a_failure() {
    let start = Instant::now();
    let (value, retcode) = with_retcode("cmd.run_all", Args::of(["sleep 30"]).with("timeout", 0.2));
    let value = value.unwrap();
    assert!(start.elapsed().as_secs() < 5);
    assert_eq!((value.get("retcode"), retcode), (Some(&Value::Int(1)), 1));
    assert_eq!(value.get("stdout"), Some(&text("sleep 30 : Timed out after 0.2 seconds")));
}

#[test]
fn a_terminal_is_one() {
    let shown = ask(
        "cmd.run_all",
        Args::of(["test -t 0 && test -t 1 && test -t 2 && echo yes; echo no >&2"]).with("use_vt", true),
    );
    assert_eq!((shown.get("stdout"), shown.get("stderr")), (Some(&text("yes\n")), Some(&text("no\n"))));
}

#[test]
fn background_commands_outlive_the_call() {
    let value = ask("cmd.run_bg", Args::of(["sleep 20"]));
    let pid = value.get("pid").unwrap().as_i64().unwrap();
    assert!(std::path::Path::new(&format!("/proc/{pid}")).exists());
    ask("cmd.run", Args::of([format!("kill {pid}")]));
    assert_eq!(ask("cmd.run", Args::of(["echo a"]).with("bg", true)), text(""));
}

#[test]
fn runas_has_the_user_s_names_and_home() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let value = ask(
        "cmd.run",
        Args::of(["id -un; echo $USER; cat"]).with("runas", "daemon").with("cwd", "/").with("stdin", "in"),
    );
    assert_eq!(value, text("daemon\ndaemon\nin"));
    let value = ask("cmd.run", Args::of(["id -g; id -u"]).with("group", "daemon").with("cwd", "/"));
    assert_eq!(value, text("1\n0"));
}

#[test]
fn scripts_run_with_their_arguments_and_are_removed() {
    let dir = Temp::new("script");
    let script = dir.file("s.sh", "#!/bin/sh\necho \"$# $2\"; ls \"$0\"; exit 7\n");
    let (value, retcode) = with_retcode("cmd.script", Args::of([script.as_str(), "a 'b c'"]));
    let value = value.unwrap();
    let shown = value.get("stdout").and_then(Value::as_str).unwrap().to_owned();
    let (first, path) = shown.split_once('\n').unwrap();
    assert_eq!((first, retcode, value.get("retcode")), ("2 b c", 7, Some(&Value::Int(7))));
    assert!(path.ends_with(".sh") && !std::path::Path::new(path).exists(), "{path}");
    assert_eq!(
        ask("cmd.script_retcode", Args::of([script.as_str()]).with("template", Value::Null)),
        Value::Int(7)
    );
}

#[test]
fn scripts_without_an_interpreter_line_go_to_the_shell() {
    let dir = Temp::new("plain");
    let script = dir.file("plain", "echo $((6 * 7)) $1\n");
    let value = ask(
        "cmd.script",
        Args::of([script.as_str()]).with("args", Value::from(vec!["x y"])).with("cwd", dir.path()),
    );
    assert_eq!(value.get("stdout"), Some(&text("42 x y")));
}

#[test]
fn scripts_that_cannot_be_had_say_so() {
    let (value, retcode) = with_retcode("cmd.script", Args::of(["salt://none.sh"]));
    assert_eq!((value.unwrap().get("cache_error"), retcode), (Some(&Value::Bool(true)), 1));
    assert_eq!(
        wrong("cmd.script", Args::of(["/bin/true"]).with("tiemout", 1)),
        "cmd.script: no argument is named 'tiemout'. Did you mean timeout?"
    );
}

#[test]
fn code_is_run_by_its_interpreter() {
    assert_eq!(ask("cmd.exec_code", Args::of(["sh", "echo $1 $#"]).with("args", "a b")), text("a b 1"));
    let all = ask("cmd.exec_code_all", Args::of(["sh", "echo o; echo e >&2; exit 2"]));
    assert_eq!((all.get("retcode"), all.get("stderr")), (Some(&Value::Int(2)), Some(&text("e"))));
}

#[test]
fn programs_are_found() {
    assert_eq!(look("cmd.has_exec", Args::of(["sh"])), Value::Bool(true));
    assert_eq!(look("cmd.has_exec", Args::of(["no-such-program"])), Value::Bool(false));
    assert_eq!(look("cmd.which", Args::of(["no-such-program"])), Value::Null);
    let list = Value::from(vec!["no-such-program", "sh"]);
    assert!(look("cmd.which_bin", Args::of([list])).as_str().unwrap().ends_with("/sh"));
}

#[test]
fn the_configuration_can_forbid_commands() {
    let asked = alone(|ctx| {
        ctx.opts.insert("cmd_blacklist_glob", Value::from(vec!["rm *"]));
        let refused = call(ctx, "cmd.run", published(Args::of(["rm -rf /nowhere"]))).unwrap_err();
        (refused, call(ctx, "cmd.run", published(Args::of(["echo rm"]))))
    });
    assert_eq!(
        asked,
        (CallError::failed("the command is not permitted here: rm -rf /nowhere"), Ok(text("rm")))
    );
}

#[test]
fn the_root_of_the_host_is_no_chroot() {
    for root in ["/", "/usr/..", "/no/such/dir", "/etc/passwd"] {
        assert!(wrong("cmd.run_chroot", Args::of([root, "true"])).contains("cannot use"), "{root}");
    }
}

/// A directory of one test, removed with it.
struct Temp(std::path::PathBuf);

impl Temp {
    fn new(name: &str) -> Temp {
        let dir = std::env::temp_dir().join(format!("halite-cmd-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Temp(dir)
    }

    fn path(&self) -> String {
        self.0.to_string_lossy().into_owned()
    }

    fn file(&self, name: &str, text: &str) -> String {
        std::fs::write(self.0.join(name), text).unwrap();
        self.0.join(name).to_string_lossy().into_owned()
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

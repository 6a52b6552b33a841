//! What surrounds a command: directory, environment, user, mask, input, time limit, shell.

use crate::accounts::{self, User};
use crate::args::as_text;
use crate::process::{self, Command, Identity};
use crate::registry::CallError;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the login shell of a user may take to show its environment.
const LOGIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The locale Salt gives commands, so that their words can be understood.
const C_LOCALE: [&str; 13] = [
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
    "LANGUAGE",
];

/// Puts `command` into the surroundings the arguments name.
///
/// # Errors
/// [`CallError`] where one of them is wrong or does not exist.
pub fn apply(ctx: &mut Ctx, args: &Bound, command: Command) -> Result<Command, CallError> {
    let user = user(ctx, args)?;
    let group = args.opt_str("group")?;
    let identity = Identity::resolve(user.as_ref().map(|user| user.name.as_str()), group.as_deref());
    let identity = identity.map_err(|error| CallError::Failed(error.to_string()))?;
    let cwd = cwd(ctx, args, user.as_ref())?;
    let mut command = environment(ctx, args, user.as_ref(), command)?.cwd(cwd).stdin(stdin(args)?);
    if let Some(identity) = identity {
        command = command.identity(identity);
    }
    if let Some(mask) = umask(args)? {
        command = command.umask(mask);
    }
    if let Some(limit) = timeout(args)? {
        command = command.timeout(limit);
    }
    Ok(if args.bool("use_vt") { command.terminal() } else { command })
}

/// The user of `runas`: the argument, else that of the state the command runs for.
pub fn user(ctx: &Ctx, args: &Bound) -> Result<Option<User>, CallError> {
    let of_state = || ctx.opts.get_str("__runas").map(str::to_owned);
    let Some(name) = args.opt_str("runas")?.or_else(of_state) else { return Ok(None) };
    let unknown = || CallError::failed(format!("user '{name}' is not available"));
    accounts::user(&name).ok_or_else(unknown).map(Some)
}

/// The shell commands go through: the argument, else `$SHELL`, else `/bin/sh`.
///
/// # Errors
/// [`CallError::Failed`] where the one asked for cannot be executed.
pub fn shell(args: &Bound) -> Result<PathBuf, CallError> {
    match args.opt_str("shell")?.filter(|shell| !shell.is_empty()) {
        Some(shell) => process::which(&shell)
            .ok_or_else(|| CallError::failed(format!("the shell {shell} is not available"))),
        None => Ok(default_shell()),
    }
}

fn default_shell() -> PathBuf {
    let ours = std::env::var_os("SHELL").map(PathBuf::from);
    ours.filter(|shell| shell.is_absolute() && process::is_executable(shell))
        .unwrap_or_else(|| "/bin/sh".into())
}

/// `text` rendered by the engine of `template`, or as it is.
pub fn render(ctx: &mut Ctx, args: &Bound, text: String) -> Result<String, CallError> {
    // A script's template is about the script, whose text is not the command.
    let Some(engine) = args.opt_str("template")?.filter(|_| !args.is_given("source")) else {
        return Ok(text);
    };
    let variables = Map::from_iter([("saltenv", saltenv(ctx, args)?)]);
    let renderer = ctx.render;
    renderer.render(ctx, &engine, &text, &variables).map_err(CallError::Failed)
}

/// The environment of the file server: the argument, the configuration's, `base`.
pub fn saltenv(ctx: &Ctx, args: &Bound) -> Result<String, CallError> {
    let configured = || ctx.opts.get_str("saltenv").unwrap_or("base").to_owned();
    Ok(args.opt_str("saltenv")?.unwrap_or_else(configured))
}

/// `$HOME`, else what the name service says of this user.
fn own_home() -> Option<PathBuf> {
    let given = std::env::var_os("HOME").filter(|home| !home.is_empty());
    given
        .or_else(|| Some(accounts::user_by_uid(rustix::process::getuid().as_raw())?.home.into()))
        .map(PathBuf::from)
}

fn cwd(ctx: &mut Ctx, args: &Bound, user: Option<&User>) -> Result<PathBuf, CallError> {
    let Some(given) = args.opt_str("cwd")?.filter(|cwd| !cwd.is_empty()) else {
        let home = user.map(|user| PathBuf::from(&user.home)).or_else(own_home);
        return Ok(home.filter(|home| readable(home)).unwrap_or_else(|| "/".into()));
    };
    let cwd = PathBuf::from(render(ctx, args, given)?);
    if cwd.is_absolute() && cwd.is_dir() {
        return Ok(cwd);
    }
    Err(CallError::failed(format!(
        "the directory '{}' of cwd= is not absolute or does not exist",
        cwd.display()
    )))
}

fn readable(dir: &Path) -> bool {
    dir.is_dir() && rustix::fs::access(dir, rustix::fs::Access::READ_OK).is_ok()
}

fn environment(
    ctx: &mut Ctx,
    args: &Bound,
    user: Option<&User>,
    command: Command,
) -> Result<Command, CallError> {
    let given = given_env(ctx, args)?;
    let mut all = match user {
        Some(user) => login_environment(ctx, args, user),
        None => BTreeMap::new(),
    };
    all.extend(given.clone());
    if args.get("reset_system_locale") != &Value::Bool(false) {
        for name in C_LOCALE {
            all.entry(name.to_owned()).or_insert_with(|| "C".to_owned());
        }
    }
    let clean = args.bool("clean_env");
    if let Some(first) = args.opt_str("prepend_path")? {
        let ours = || std::env::var("PATH").ok().filter(|_| !clean);
        let path = all.get("PATH").cloned().or_else(ours);
        all.insert("PATH".to_owned(), path.map_or(first.clone(), |path| format!("{first}:{path}")));
    }
    let mut command = if clean { command.clean_env() } else { command };
    if !given.contains_key("NOTIFY_SOCKET") {
        command = command.env_remove("NOTIFY_SOCKET");
    }
    Ok(all.into_iter().fold(command, |command, (name, value)| command.env(name, value)))
}

/// `env`: a map, or a list of maps.
fn given_env(ctx: &mut Ctx, args: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    let wrong = || args.wrong("'env' must be a map or a list of maps: env='{PATH: /opt/bin}'");
    let maps: Vec<&Map> = match args.get("env") {
        Value::Map(map) => vec![map],
        Value::List(items) => {
            items.iter().map(|item| item.as_map().ok_or_else(wrong)).collect::<Result<_, _>>()?
        }
        other if !other.is_truthy() => Vec::new(),
        _ => return Err(wrong()),
    };
    let mut env = BTreeMap::new();
    for (name, value) in maps.into_iter().flatten() {
        let name = as_text(name).filter(|name| is_variable(name)).ok_or_else(wrong)?;
        if value.is_null() {
            ctx.link.log(&format!("the variable {name} of env= has no value; it is set to the empty text"));
        }
        let value = if value.is_null() { Some(String::new()) } else { as_text(value) };
        env.insert(name, value.filter(|value| !value.contains('\0')).ok_or_else(wrong)?);
    }
    Ok(env)
}

fn is_variable(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// The environment `user` has after login, as far as `su` can tell; always with the user's HOME and names.
fn login_environment(ctx: &mut Ctx, args: &Bound, user: &User) -> BTreeMap<String, String> {
    let mut env = BTreeMap::new();
    if rustix::process::geteuid().is_root() {
        let shell = shell(args).unwrap_or_else(|_| "/bin/sh".into());
        match ask_login_shell(&shell, user, &format!("--{}-{}--", ctx.jid, std::process::id())) {
            Some(found) => env = found,
            None => ctx.link.log(&format!("the login environment of user '{}' could not be read", user.name)),
        }
    }
    env.insert("USER".to_owned(), user.name.clone());
    env.entry("LOGNAME".to_owned()).or_insert_with(|| user.name.clone());
    env.insert("HOME".to_owned(), user.home.clone());
    env
}

/// Variables of the shell that was asked, not of the login.
const OF_THE_ASKED: [&str; 4] = ["PWD", "OLDPWD", "SHLVL", "_"];

/// What `env` prints in a login shell, between two marks: profiles may print, too.
fn ask_login_shell(shell: &Path, user: &User, mark: &str) -> Option<BTreeMap<String, String>> {
    let script = format!("echo {mark}; env -0; echo {mark}");
    let argv =
        ["su".as_ref(), "-l".as_ref(), "-s".as_ref(), shell.as_os_str(), "-c".as_ref(), script.as_ref()];
    let output = Command::new(argv).arg(&user.name).cwd("/").timeout(LOGIN_TIMEOUT).run().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut parts = text.split(mark);
    let shown = parts.nth(1)?.trim_start_matches(['\r', '\n']);
    parts.next()?;
    let pairs = shown.split('\0').filter_map(|pair| pair.split_once('='));
    let of_the_login = pairs.filter(|(name, _)| is_variable(name) && !OF_THE_ASKED.contains(name));
    Some(of_the_login.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn stdin(args: &Bound) -> Result<Vec<u8>, CallError> {
    if let Value::Bytes(bytes) = args.get("stdin") {
        return Ok(bytes.clone());
    }
    let text = args.opt_str("stdin")?.unwrap_or_default();
    let text = if args.bool("stdin_raw_newlines") { text } else { text.replace("\\n", "\n") };
    Ok(text.into_bytes())
}

/// `umask`: octal digits; Salt does not allow zero.
fn umask(args: &Bound) -> Result<Option<u32>, CallError> {
    let Some(text) = args.opt_str("umask")? else { return Ok(None) };
    match u32::from_str_radix(text.trim_start_matches('0'), 8) {
        Ok(mask) if mask <= 0o777 => Ok(Some(mask)),
        _ if text.chars().all(|digit| digit == '0') => {
            Err(CallError::failed("a umask of zero is not allowed"))
        }
        _ => Err(CallError::failed(format!("the umask '{text}' is not octal, between 1 and 777"))),
    }
}

/// `timeout`: seconds; null and 0 stand for no limit.
fn timeout(args: &Bound) -> Result<Option<Duration>, CallError> {
    let wrong = || {
        args.wrong(format!(
            "'timeout' must be a number of seconds, not {}",
            as_text(args.get("timeout")).unwrap_or_default()
        ))
    };
    let seconds = match args.get("timeout") {
        Value::Null => return Ok(None),
        Value::Int(_) | Value::Float(_) | Value::Str(_) => {
            as_text(args.get("timeout")).and_then(|text| text.parse().ok())
        }
        _ => None,
    };
    let limit = Duration::try_from_secs_f64(seconds.ok_or_else(wrong)?).map_err(|_| wrong())?;
    Ok(Some(limit).filter(|limit| !limit.is_zero()))
}

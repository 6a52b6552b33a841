//! `user.add` and `user.delete`: by `useradd` and `userdel`, or BusyBox's `adduser` and `deluser` where those are missing.

use super::change;
use super::info::GECOS;
use crate::registry::CallError;
use crate::{Bound, Ctx, accounts, tools};
use halite_wire::Value;

pub fn add(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let name = args.str("name")?;
    let groups = args.texts("groups")?;
    let argv = if !args.bool("local") && !tools::has("useradd") && tools::has("adduser") {
        busybox_adduser(&name, args)?
    } else {
        useradd(&name, &groups, args)?
    };
    let output = tools::run(&argv)?;
    if !output.ok() {
        ctx.notes.push(tools::complaint(&output));
        return Ok(false.into());
    }
    let root = args.opt_str("root")?;
    if !groups.is_empty() {
        change::set_groups(&name, &groups, false, root.as_deref())?;
    }
    for part in GECOS {
        let text = args.opt_str(part)?.unwrap_or_default();
        if !text.is_empty() {
            change::set_gecos(&name, part, &text, root.as_deref())?;
        }
    }
    Ok(true.into())
}

fn useradd(name: &str, groups: &[String], args: &Bound) -> Result<Vec<String>, CallError> {
    let local = args.bool("local");
    let mut argv = vec![if local { "luseradd" } else { "useradd" }.to_owned()];
    let mut option = |flag: &str, value: &str| argv.extend([flag.to_owned(), value.to_owned()]);
    for (flag, key) in [("-s", "shell"), ("-u", "uid"), ("-g", "gid"), ("-d", "home")] {
        if let Some(value) = args.opt_str(key)?.filter(|value| !value.is_empty()) {
            option(flag, &value);
        }
    }
    let usergroup = args.get("usergroup");
    if args.opt_str("gid")?.is_none_or(|gid| gid.is_empty()) {
        if usergroup.is_truthy() {
            if !local {
                argv.push("-U".to_owned());
            }
        } else if let Some(group) = own_group(name, groups) {
            argv.extend(["-g".to_owned(), group.to_string()]);
        }
    }
    let flags = [
        (*usergroup == Value::Bool(false), if local { "-n" } else { "-N" }),
        (args.bool("createhome") && !local, "-m"),
        (!args.bool("createhome"), "-M"),
        (args.bool("nologinit"), "-l"),
        (!args.bool("unique"), "-o"),
        (args.bool("system"), "-r"),
    ];
    argv.extend(flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| (*flag).to_owned()));
    if let Some(root) = args.opt_str("root")?.filter(|_| !local) {
        argv.extend(["-R".to_owned(), root]);
    }
    argv.push(name.to_owned());
    Ok(argv)
}

/// The group of the user's own name where it is wanted, exists, and the host gives users groups of their own: `useradd`
/// would refuse to make it.
fn own_group(name: &str, groups: &[String]) -> Option<u32> {
    if !groups.iter().any(|group| group == name) {
        return None;
    }
    let text = std::fs::read_to_string("/etc/login.defs").ok()?;
    let line = text.lines().find(|line| line.starts_with("USERGROUPS_ENAB"))?;
    accounts::group(name).filter(|_| line.contains("yes")).map(|group| group.gid)
}

fn busybox_adduser(name: &str, args: &Bound) -> Result<Vec<String>, CallError> {
    let mut argv = vec!["adduser".to_owned(), "-D".to_owned()];
    for (flag, key) in [("-s", "shell"), ("-u", "uid"), ("-h", "home")] {
        if let Some(value) = args.opt_str(key)?.filter(|value| !value.is_empty()) {
            argv.extend([flag.to_owned(), value]);
        }
    }
    if let Some(gid) = args.opt_str("gid")?.filter(|gid| !gid.is_empty()) {
        // adduser takes names alone.
        let known = gid.parse().ok().and_then(accounts::group_by_gid).map(|group| group.name);
        argv.extend(["-G".to_owned(), known.unwrap_or(gid)]);
    }
    if !args.bool("createhome") {
        argv.push("-H".to_owned());
    }
    if args.bool("system") {
        argv.push("-S".to_owned());
    }
    argv.push(name.to_owned());
    Ok(argv)
}

pub fn delete(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    /// `userdel` could not remove the home or mail directory.
    const CANNOT_REMOVE_HOME: i64 = 12;
    let (name, local) = (args.str("name")?, args.bool("local"));
    let mut argv: Vec<String> = Vec::new();
    if !local && !tools::has("userdel") && tools::has("deluser") {
        argv.push("deluser".to_owned());
        argv.extend(args.bool("remove").then(|| "--remove-home".to_owned()));
    } else {
        argv.push(if local { "luserdel" } else { "userdel" }.to_owned());
        argv.extend(args.bool("remove").then(|| "-r".to_owned()));
        argv.extend((args.bool("force") && !local).then(|| "-f".to_owned()));
        if let Some(root) = args.opt_str("root")?.filter(|_| !local) {
            argv.extend(["-R".to_owned(), root]);
        }
    }
    argv.push(name);
    let output = tools::run(&argv)?;
    let why = tools::complaint(&output);
    // Debian's userdel counts a mail spool that was never there as a failure, though the user is gone.
    let only_mail = output.code == CANNOT_REMOVE_HOME
        && ctx.grains().get_str("os_family") == Some("Debian")
        && ["var/mail", "var/spool/mail"].iter().any(|spool| why.contains(spool));
    if !output.ok() && !only_mail {
        ctx.notes.push(why);
    }
    Ok((output.ok() || only_mail).into())
}

//! `user.ch*`: one fact of a user changed, by `usermod` or, where the host has none, in the files themselves.

use super::info::{GECOS, gecos_parts, group_names, info};
use crate::registry::CallError;
use crate::userdb::Database;
use crate::{Bound, Ctx, accounts, tools};
use halite_wire::Value;

/// Changes one fact of the user and says whether it is so now. `persist` moves the home directory.
fn set(args: &Bound, key: &str, flag: &str, wanted: &Value) -> Result<Value, CallError> {
    let (name, root) = (args.str("name")?, args.opt_str("root")?);
    let before = info(&name, root.as_deref())
        .ok_or_else(|| CallError::failed(format!("there is no user '{name}'")))?;
    if before.get(key) == Some(wanted) {
        return Ok(true.into());
    }
    let text = crate::args::as_text(wanted).ok_or_else(|| args.wrong(format!("the {key} must be given")))?;
    let persist = flag == "-d" && args.bool("persist");
    modify(&name, flag, &text, persist, root.as_deref())?;
    let now = if key == "name" { &text } else { &name };
    Ok((info(now, root.as_deref()).as_ref().and_then(|facts| facts.get(key)) == Some(wanted)).into())
}

fn modify(name: &str, flag: &str, value: &str, persist: bool, root: Option<&str>) -> Result<(), CallError> {
    if !tools::has("usermod") {
        return edit(name, flag, value, persist, root);
    }
    let mut argv = vec!["usermod"];
    if let Some(root) = root {
        argv.extend(["-R", root]);
    }
    if persist {
        argv.push("-m");
    }
    argv.extend([flag, value, name]);
    tools::run(&argv).map(|_| ())
}

/// What `usermod` does, for hosts without it (BusyBox).
fn edit(name: &str, flag: &str, value: &str, persist: bool, root: Option<&str>) -> Result<(), CallError> {
    let at = match flag {
        "-u" => 2,
        "-g" => 3,
        "-c" => 4,
        "-d" => 5,
        "-s" => 6,
        _ => return Err(CallError::failed("the program 'usermod' is not on this host")),
    };
    let value = match flag {
        "-g" => accounts::group(value).map_or_else(|| value.to_owned(), |group| group.gid.to_string()),
        _ => value.to_owned(),
    };
    let passwd = Database::of(root, "passwd");
    let old_home = passwd.line(name).and_then(|line| line.get(5).cloned());
    passwd.change_line(name, |line| {
        if let Some(field) = line.get_mut(at) {
            value.clone_into(field);
        }
    })?;
    if let Some(old_home) = old_home.filter(|_| persist) {
        std::fs::rename(&old_home, &value)
            .map_err(|error| CallError::failed(format!("cannot move {old_home} to {value}: {error}")))?;
    }
    Ok(())
}

/// Makes `part` of the comment field `text`.
pub fn set_gecos(name: &str, part: &str, text: &str, root: Option<&str>) -> Result<bool, CallError> {
    let parts = |root| -> Option<[String; 5]> {
        let line = match root {
            Some(_) => Database::of(root, "passwd").line(name)?,
            None => accounts::passwd_line(name)?,
        };
        Some(gecos_parts(line.get(4)?))
    };
    let at = GECOS.iter().position(|known| *known == part).unwrap_or(0);
    let mut all = parts(root).ok_or_else(|| CallError::failed(format!("there is no user '{name}'")))?;
    if all[at] == text {
        return Ok(true);
    }
    text.clone_into(&mut all[at]);
    modify(name, "-c", all.join(",").trim_end_matches(','), false, root)?;
    Ok(parts(root).is_some_and(|now| now[at] == text))
}

/// Puts the user into these groups, and out of all others unless `append`.
pub fn set_groups(
    name: &str,
    groups: &[String],
    append: bool,
    root: Option<&str>,
) -> Result<bool, CallError> {
    let mut wanted = groups.to_vec();
    wanted.sort();
    wanted.dedup();
    if group_names(name) == wanted {
        return Ok(true);
    }
    if !tools::has("usermod") {
        return edit_groups(name, groups, append, root);
    }
    let list = groups.join(",");
    let mut argv = vec!["usermod"];
    argv.extend(append.then_some("-a"));
    argv.extend(["-G", &list]);
    if let Some(root) = root {
        argv.extend(["-R", root]);
    }
    argv.push(name);
    let output = tools::run(&argv)?;
    if !output.ok() && tools::complaint(&output).contains("not found in") {
        // A user of a directory service is in no file usermod knows.
        let mut all = true;
        for group in groups {
            all &= tools::run(&["gpasswd", "-a", name, group])?.ok();
        }
        return Ok(all);
    }
    Ok(output.ok())
}

fn edit_groups(name: &str, groups: &[String], append: bool, root: Option<&str>) -> Result<bool, CallError> {
    let database = Database::of(root, "group");
    database.change(|lines| {
        for line in lines.iter_mut().filter(|line| line.len() >= 4) {
            let mut members: Vec<&str> = line[3].split(',').filter(|member| !member.is_empty()).collect();
            let (is, shall) = (members.contains(&name), groups.contains(&line[0]));
            if shall && !is {
                members.push(name);
            } else if is && !shall && !append {
                members.retain(|member| *member != name);
            }
            line[3] = members.join(",");
        }
    })?;
    Ok(groups.iter().all(|group| database.line(group).is_some()))
}

pub fn chuid(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    set(args, "uid", "-u", args.get("uid"))
}

/// A group's name is as good as its number.
pub fn chgid(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let gid = match args.get("gid") {
        Value::Str(name) => {
            accounts::group(name).map_or_else(|| name.as_str().into(), |group| group.gid.into())
        }
        other => other.clone(),
    };
    set(args, "gid", "-g", &gid)
}

pub fn chshell(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    set(args, "shell", "-s", args.get("shell"))
}

pub fn chhome(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    set(args, "home", "-d", args.get("home"))
}

pub fn rename(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let new = args.str("new_name")?;
    if info(&new, args.opt_str("root")?.as_deref()).is_some() {
        return Err(CallError::failed(format!("there is a user '{new}' already")));
    }
    set(args, "name", "-l", args.get("new_name"))
}

pub fn chgroups(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let root = args.opt_str("root")?;
    set_groups(&args.str("name")?, &args.texts("groups")?, args.bool("append"), root.as_deref())
        .map(Value::from)
}

fn gecos(args: &Bound, part: &str) -> Result<Value, CallError> {
    let (root, text) = (args.opt_str("root")?, args.opt_str(part)?.unwrap_or_default());
    set_gecos(&args.str("name")?, part, &text, root.as_deref()).map(Value::from)
}

pub fn chfullname(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    gecos(args, "fullname")
}

pub fn chroomnumber(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    gecos(args, "roomnumber")
}

pub fn chworkphone(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    gecos(args, "workphone")
}

pub fn chhomephone(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    gecos(args, "homephone")
}

pub fn chother(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    gecos(args, "other")
}

/// Login classes are of the BSDs alone.
pub fn chloginclass(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    Ok(false.into())
}

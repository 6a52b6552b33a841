//! What dnf and yum do: lists of packages, and the command lines that install and remove.

use crate::packages::version::rpm as compare;
use crate::packages::{Manager, Order, Packages, exact, keyword, rpm, run};
use crate::registry::CallError;
use crate::{Bound, Ctx, tools};
use halite_wire::Value;
use std::collections::BTreeMap;

pub const YUM: Manager = Manager {
    list: rpm::list,
    candidates,
    available,
    upgrades,
    refresh,
    prepare: |_, _| Ok(()),
    install,
    remove: |args, names, _| with_names(line(args, &["remove"]), names),
    upgrade: |args, names| with_names(line(args, &["upgrade"]), names),
    unneeded: |_| Err(CallError::failed("dnf lists no packages that nothing needs")),
    autoremove: |args| Some(line(args, &["autoremove"])),
    compare,
    normalize: rpm::normalize,
    leaves_configuration: false,
    env: &[],
};

/// The program: dnf5, dnf, or yum where those are missing.
pub fn program() -> &'static str {
    ["dnf5", "dnf"].into_iter().find(|program| tools::has(program)).unwrap_or("yum")
}

/// A command line that asks nothing.
pub fn line(args: &Bound, words: &[&str]) -> Vec<String> {
    let mut argv = vec![program().to_owned(), "-y".to_owned()];
    argv.extend(repo_options(args));
    argv.extend(words.iter().map(|word| (*word).to_owned()));
    argv
}

fn with_names(mut argv: Vec<String>, names: &[String]) -> Vec<String> {
    argv.extend(names.iter().cloned());
    argv
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::List(items)) => items.iter().filter_map(crate::args::as_text).collect(),
        Some(one) => crate::args::as_text(one)
            .into_iter()
            .flat_map(|text| text.split(',').map(str::to_owned).collect::<Vec<_>>())
            .collect(),
        None => Vec::new(),
    }
}

/// Which repositories count, and options set for this run alone.
fn repo_options(args: &Bound) -> Vec<String> {
    let given = |key: &str| {
        let named = args.get(key);
        if named.is_null() { args.keywords().get(key).cloned() } else { Some(named.clone()) }
    };
    let from = given("fromrepo").or_else(|| given("repo")).filter(Value::is_truthy);
    let mut options = Vec::new();
    let mut add = |option: &str, values: Vec<String>| {
        options.extend(values.into_iter().map(|value| format!("{option}={value}")))
    };
    if let Some(from) = &from {
        add("--disablerepo", vec!["*".to_owned()]);
        add("--enablerepo", texts(Some(from)));
    } else {
        add("--disablerepo", texts(given("disablerepo").as_ref()));
        add("--enablerepo", texts(given("enablerepo").as_ref()));
    }
    add("--disableexcludes", texts(given("disableexcludes").as_ref()));
    add("--setopt", texts(given("setopt").as_ref()));
    add("--branch", texts(given("branch").as_ref()));
    options
}

/// Reads `name.arch  version  repository` rows. Old yum breaks long rows over lines.
fn rows(text: &str, own: &str) -> Vec<(String, String)> {
    let (mut found, mut words) = (Vec::new(), Vec::new());
    for line in text.lines() {
        if line.is_empty() || line.ends_with(':') || line.starts_with("Obsoleting") {
            words.clear();
            continue;
        }
        if !line.starts_with(' ') {
            words.clear();
        }
        words.extend(line.split_whitespace());
        if let [package, version, _] = words.as_slice()
            && let Some((name, arch)) = package.rsplit_once('.')
        {
            found.push((
                rpm::with_arch(name, arch, own),
                version.strip_prefix("0:").unwrap_or(version).to_owned(),
            ));
            words.clear();
        }
    }
    found
}

fn listing(
    ctx: &mut Ctx,
    args: Option<&Bound>,
    words: &[&str],
    names: &[String],
) -> Result<Vec<(String, String)>, CallError> {
    let mut argv = vec![program().to_owned(), "--quiet".to_owned()];
    argv.extend(args.map(repo_options).unwrap_or_default());
    argv.extend(words.iter().map(|word| (*word).to_owned()));
    argv.extend(names.iter().cloned());
    let own = ctx.grains().get_str("osarch").unwrap_or_default().to_owned();
    // It fails where it finds nothing; there is nothing to read then.
    Ok(rows(&run(&YUM, &argv)?.text(), &own))
}

fn available(ctx: &mut Ctx, names: &[String]) -> Result<Packages, CallError> {
    let mut found = Packages::new();
    for (name, version) in listing(ctx, None, &["list", "--showduplicates"], names)? {
        let versions = found.entry(name).or_default();
        if !versions.contains(&version) {
            versions.push(version);
        }
    }
    found.values_mut().for_each(|versions| versions.sort_by(|a, b| compare(b, a)));
    Ok(found)
}

fn candidates(ctx: &mut Ctx, names: &[String], args: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    let mut newest: BTreeMap<String, String> = BTreeMap::new();
    for (name, version) in listing(ctx, Some(args), &["list", "--showduplicates"], names)? {
        if newest.get(&name).is_none_or(|known| compare(known, &version).is_lt()) {
            newest.insert(name, version);
        }
    }
    Ok(newest)
}

fn upgrades(ctx: &mut Ctx, args: &Bound) -> Result<BTreeMap<String, String>, CallError> {
    let word = if program() == "yum" { "updates" } else { "upgrades" };
    Ok(listing(ctx, Some(args), &["list", word], &[])?.into_iter().collect())
}

fn refresh(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    /// `check-update` found some.
    const UPDATES_THERE: i64 = 100;
    let quiet = |words: &[&str]| {
        let mut argv = line(args, words);
        argv.insert(1, "--quiet".to_owned());
        argv
    };
    run(&YUM, &quiet(&["clean", "expire-cache"]))?;
    let output = run(&YUM, &quiet(&["check-update"]))?;
    if output.ok() || output.code == UPDATES_THERE {
        Ok(true.into())
    } else {
        Err(CallError::failed(tools::complaint(&output)))
    }
}

fn install(ctx: &mut Ctx, args: &Bound, order: &Order) -> Result<Vec<Vec<String>>, CallError> {
    let installed = rpm::list(ctx)?.installed;
    let (mut targets, mut lower) = (order.files.clone(), Vec::new());
    for (name, version) in &order.wanted {
        let Some(version) = version else {
            targets.push(name.clone());
            continue;
        };
        let version = exact(&YUM, ctx, name, version, args.bool("ignore_epoch"))?;
        let (bare, arch) = split_arch(name);
        let target = format!("{bare}-{version}{arch}");
        let newest = installed.get(name).and_then(|versions| versions.last());
        let goes_down =
            newest.is_some_and(|newest| compare(&version, newest).is_lt() && !name.starts_with("kernel"));
        if goes_down { lower.push(target) } else { targets.push(target) }
    }
    let again = if args.bool("reinstall") { "reinstall" } else { "install" };
    let kinds = [(again, targets), ("downgrade", lower)];
    let some = kinds.into_iter().filter(|(_, targets)| !targets.is_empty());
    Ok(some.map(|(verb, targets)| with_names(verb_line(args, verb), &targets)).collect())
}

fn verb_line(args: &Bound, verb: &str) -> Vec<String> {
    let mut argv = line(args, &[]);
    // Without it dnf leaves an older version that is installed alone.
    if program() != "yum" && verb == "install" {
        argv.extend(["--best", "--allowerasing"].map(str::to_owned));
    }
    let flags = [
        (args.bool("skip_verify"), "--nogpgcheck"),
        (args.bool("downloadonly"), "--downloadonly"),
        (keyword(args, "update_holds") && program() != "dnf5", "--disableplugin=versionlock"),
    ];
    argv.extend(flags.iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| (*flag).to_owned()));
    if let Some(recommends) = args.keywords().get("install_recommends").filter(|_| program() != "yum") {
        argv.push(format!(
            "--setopt=install_weak_deps={}",
            if recommends.is_truthy() { "True" } else { "False" }
        ));
    }
    argv.push(verb.to_owned());
    argv
}

/// `bash.i686` is `bash` and `.i686`.
fn split_arch(name: &str) -> (&str, String) {
    match name.rsplit_once('.') {
        Some((bare, arch)) if matches!(arch, "i386" | "i586" | "i686" | "x86_64" | "aarch64" | "noarch") => {
            (bare, format!(".{arch}"))
        }
        _ => (name, String::new()),
    }
}

/// Names of packages held by the plugin `versionlock`.
pub fn locks() -> Result<Vec<String>, CallError> {
    let output = tools::run(&[program(), "--quiet", "versionlock", "list"])?;
    let text = output.text();
    let rows = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#') && !line.contains(' '));
    Ok(rows.map(|row| row.trim_start_matches('!').to_owned()).collect())
}

/// The name in a lock such as `bash-0:5.1-1.el9.*`.
pub fn locked_name(lock: &str) -> &str {
    let without_arch = lock.trim_end_matches(".*");
    let mut parts = without_arch.rsplitn(3, '-');
    let (_, _, name) = (parts.next(), parts.next(), parts.next());
    name.unwrap_or(without_arch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_read_though_they_break() {
        let text = "Available Packages\nbash.x86_64        5.1-2.el9        baseos\nglibc.i686 2.34-1 baseos\na-very-long-name-of-a-package.x86_64\n                   0:1.0-1          extras\n";
        let found = rows(text, "x86_64");
        assert_eq!(found[0], ("bash".to_owned(), "5.1-2.el9".to_owned()));
        assert_eq!(found[1].0, "glibc.i686");
        assert_eq!(found[2], ("a-very-long-name-of-a-package".to_owned(), "1.0-1".to_owned()));
    }

    #[test]
    fn a_lock_has_the_name_before_its_version() {
        assert_eq!(locked_name("bash-0:5.1-1.el9.*"), "bash");
        assert_eq!(locked_name("python3-libs-0:3.9-1.el9.*"), "python3-libs");
    }
}

//! What dpkg knows: packages and their state, selections, files and their owners.

use crate::packages::{Lists, Packages, names, one_or_all};
use crate::registry::{CallError, Default, Function, Param};
use crate::{Bound, Ctx, tools};
use halite_wire::{Map, Value};
use std::path::Path;

const STATUS: &str = "/var/lib/dpkg/status";
/// Changes dpkg has not written into its database yet.
const JOURNAL: &str = "/var/lib/dpkg/updates";

/// Installed, removed and to be purged. Read from the database itself, which takes no process; dpkg is asked
/// where a journal is open.
pub fn list(ctx: &mut Ctx) -> Result<Lists, CallError> {
    let journal_open = std::fs::read_dir(JOURNAL).is_ok_and(|mut entries| entries.next().is_some());
    let text = match std::fs::read(STATUS) {
        Ok(bytes) if !journal_open => String::from_utf8_lossy(&bytes).into_owned(),
        _ => ask()?,
    };
    let grain = |ctx: &mut Ctx, key: &str| ctx.grains().get_str(key).unwrap_or_default().to_owned();
    let marks_others = grain(ctx, "cpuarch") == "x86_64" && grain(ctx, "osarch") == "amd64";
    Ok(parse(&text, marks_others.then_some("amd64")))
}

fn ask() -> Result<String, CallError> {
    let format =
        "Package: ${Package}\nStatus: ${Status}\nVersion: ${Version}\nArchitecture: ${Architecture}\n\n";
    tools::text(&["dpkg-query", "--showformat", format, "-W"])
}

/// Reads the stanzas. Packages of another architecture than `own` have it in their name.
fn parse(text: &str, own: Option<&str>) -> Lists {
    let mut lists = Lists::default();
    for stanza in text.split("\n\n") {
        let field = |name: &str| {
            let mut lines = stanza.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).unwrap_or_default().trim()
        };
        let (name, version, arch) = (field("Package"), field("Version"), field("Architecture"));
        let words: Vec<&str> = field("Status").split_whitespace().collect();
        let [want, _, is] = words.as_slice() else { continue };
        if name.is_empty() || version.is_empty() {
            continue;
        }
        let foreign = own.is_some_and(|own| arch != "all" && arch != own);
        let name = if foreign { format!("{name}:{arch}") } else { name.to_owned() };
        // `half-installed` counts as installed: something of it is there.
        let list = match *want {
            "deinstall" => &mut lists.removed,
            "install" | "hold" if is.contains("installed") && *is != "not-installed" => &mut lists.installed,
            "purge" if *is == "installed" => &mut lists.purge_desired,
            _ => continue,
        };
        list.entry(name).or_default().push(version.to_owned());
    }
    for list in [&mut lists.installed, &mut lists.removed, &mut lists.purge_desired] {
        list.values_mut().for_each(|versions| versions.sort());
    }
    lists
}

/// Name and version of a `.deb` file.
fn file(path: &str) -> Option<(String, String)> {
    let text = tools::text(&["dpkg-deb", "--show", "--showformat", "${Package} ${Version}", path]).ok()?;
    text.split_once(' ').map(|(name, version)| (name.to_owned(), version.trim().to_owned()))
}

pub const GET_SELECTIONS: Function = Function {
    name: "get_selections",
    params: &[Param::Optional("pattern", Default::Null), Param::Optional("state", Default::Null)],
    doc: "What dpkg is to do with packages: names by state.",
    example: "pkg.get_selections 'python-*' state=hold",
    call: get_selections,
};

pub const SET_SELECTIONS: Function = Function {
    name: "set_selections",
    params: &[
        Param::Optional("path", Default::Null),
        Param::Optional("selection", Default::Null),
        Param::Optional("clear", Default::Bool(false)),
        Param::Optional("saltenv", Default::Str("base")),
    ],
    doc: "Tells dpkg what to do with packages.",
    example: "pkg.set_selections selection='{hold: [bash]}'",
    call: set_selections,
};

pub const HOLD: &[Param] = &[
    Param::Optional("name", Default::Null),
    Param::Optional("pkgs", Default::Null),
    Param::Optional("sources", Default::Null),
    Param::Keywords("kwargs"),
];

/// Names by the state dpkg is to bring them into.
fn selections(pattern: Option<&str>) -> Result<Vec<(String, String)>, CallError> {
    let text = tools::run(&["dpkg", "--get-selections", pattern.unwrap_or("*")])?.text();
    let rows = text.lines().map(str::split_whitespace);
    Ok(rows.filter_map(|mut row| Some((row.next()?.to_owned(), row.next()?.to_owned()))).collect())
}

fn get_selections(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut by_state = Packages::new();
    for (name, state) in selections(args.opt_str("pattern")?.as_deref())? {
        by_state.entry(state).or_default().push(name);
    }
    let shown = match args.opt_str("state")? {
        Some(state) => {
            let names = by_state.remove(&state).unwrap_or_default();
            Map::from([(state, Value::from(names))])
        }
        None => by_state.into_iter().map(|(state, names)| (state, Value::from(names))).collect(),
    };
    Ok(shown.into())
}

/// Names of held packages.
pub fn held() -> Result<Vec<String>, CallError> {
    Ok(selections(None)?.into_iter().filter(|(_, state)| state == "hold").map(|(name, _)| name).collect())
}

/// Tells dpkg the state of one package.
pub fn select(name: &str, state: &str) -> Result<(), CallError> {
    let command = tools::command(&["dpkg", "--set-selections"])?.stdin(format!("{name} {state}\n"));
    let output = tools::finish(command)?;
    if output.ok() { Ok(()) } else { Err(CallError::failed(tools::complaint(&output))) }
}

fn set_selections(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    const STATES: [&str; 4] = ["install", "hold", "deinstall", "purge"];
    let test = ctx.opts.get("test").is_some_and(Value::is_truthy);
    let wanted = match (args.opt_str("path")?, args.get("selection")) {
        (Some(path), Value::Null) => from_file(ctx, &path, &args.str("saltenv")?)?,
        (None, Value::Map(by_state)) => by_state.iter().flat_map(of_state).collect(),
        (None, Value::Null) => Vec::new(),
        _ => return Err(args.wrong("one of path and selection is given, and selection is a dict")),
    };
    if let Some((_, state)) = wanted.iter().find(|(_, state)| !STATES.contains(&state.as_str())) {
        return Err(args.wrong(format!("there is no state '{state}': there are {}", STATES.join(", "))));
    }
    if args.bool("clear") && !test {
        tools::text(&["dpkg", "--clear-selections"])?;
    }
    let before: std::collections::BTreeMap<String, String> = selections(None)?.into_iter().collect();
    let mut changed = Map::new();
    for (name, state) in wanted {
        if before.get(&name) != Some(&state) && !test {
            select(&name, &state)?;
            let old = before.get(&name).cloned();
            changed.insert(name, Map::from([("old", Value::from(old)), ("new", state.into())]));
        }
    }
    Ok(changed.into())
}

fn of_state((state, names): (&Value, &Value)) -> Vec<(String, String)> {
    let state = state.as_str().unwrap_or_default();
    let names = names.as_list().unwrap_or_default().iter().filter_map(crate::args::as_text);
    names.map(|name| (name, state.to_owned())).collect()
}

fn from_file(ctx: &mut Ctx, path: &str, saltenv: &str) -> Result<Vec<(String, String)>, CallError> {
    let cached = crate::call(ctx, "cp.cache_file", crate::Args::of([path, saltenv]))?;
    let file = cached.as_str().unwrap_or_default();
    let text =
        std::fs::read_to_string(file).map_err(|error| CallError::failed(format!("{path}: {error}")))?;
    let rows = text.lines().map(str::split_whitespace);
    Ok(rows.filter_map(|mut row| Some((row.next()?.to_owned(), row.next()?.to_owned()))).collect())
}

pub fn set_hold(ctx: &mut Ctx, args: &Bound, hold: bool) -> Result<Value, CallError> {
    let targets = match (args.get("pkgs"), args.get("sources")) {
        (pkgs, sources) if pkgs.is_truthy() && sources.is_truthy() => {
            return Err(args.wrong("only one of pkgs and sources can be used"));
        }
        (pkgs, _) if pkgs.is_truthy() => of_packages(ctx, pkgs)?,
        (_, sources) if sources.is_truthy() => of_packages(ctx, sources)?,
        _ => vec![
            args.opt_str("name")?.ok_or_else(|| args.wrong("one of name, pkgs and sources must be given"))?,
        ],
    };
    let test = ctx.opts.get("test").is_some_and(Value::is_truthy);
    let known: std::collections::BTreeMap<String, String> = selections(None)?.into_iter().collect();
    let mut answers = Map::new();
    for name in targets {
        let told = one_hold(&name, known.get(&name).map(String::as_str), hold, test)?;
        answers.insert(name, told);
    }
    Ok(answers.into())
}

fn of_packages(ctx: &mut Ctx, value: &Value) -> Result<Vec<String>, CallError> {
    if let Value::Map(map) = value {
        return Ok(map.keys().filter_map(crate::args::as_text).collect());
    }
    Ok(crate::packages::pairs(ctx, value)?.into_iter().map(|(name, _)| name).collect())
}

fn one_hold(name: &str, state: Option<&str>, hold: bool, test: bool) -> Result<Map, CallError> {
    let answer = |result: Value, changes: Map, comment: String| {
        Map::from([
            ("name", Value::from(name)),
            ("changes", changes.into()),
            ("result", result),
            ("comment", comment.into()),
        ])
    };
    let word = if hold { "held" } else { "not held" };
    if state.is_none() && !hold {
        return Ok(answer(false.into(), Map::new(), format!("dpkg knows no package {name}")));
    }
    if (state == Some("hold")) == hold {
        return Ok(answer(true.into(), Map::new(), format!("package {name} is {word}")));
    }
    if test {
        return Ok(answer(Value::Null, Map::new(), format!("package {name} is to be {word}")));
    }
    let wanted = if hold { "hold" } else { "install" };
    select(name, wanted)?;
    let changes = Map::from([("old", Value::from(state.map(str::to_owned))), ("new", wanted.into())]);
    Ok(answer(true.into(), changes, format!("package {name} is {word} now")))
}

/// `pkg.file_list` and `pkg.file_dict`: files of packages.
pub fn files_of(args: &Bound, by_package: bool) -> Result<Value, CallError> {
    let (mut all, mut by_name, mut errors) = (Vec::new(), Map::new(), Vec::new());
    for name in names(args) {
        let output = tools::run(&["dpkg", "-L", &name])?;
        if !output.ok() {
            errors.push(tools::complaint(&output));
            continue;
        }
        let mut files: Vec<String> =
            output.text().lines().filter(|line| line.starts_with('/')).map(str::to_owned).collect();
        files.retain(|path| path != "/.");
        by_name.insert(name, files.clone());
        all.extend(files);
    }
    all.sort();
    let files = if by_package { by_name.into() } else { Value::from(all) };
    Ok(Map::from([("errors", Value::from(errors)), (if by_package { "packages" } else { "files" }, files)])
        .into())
}

/// `pkg.owner`: the package a path is of.
pub fn owner(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut answers = Vec::new();
    for path in args.rest().iter().filter_map(crate::args::as_text) {
        let output = tools::run(&["dpkg", "-S", &path])?;
        let text = output.text();
        let owner = text.split(':').next().unwrap_or_default().trim();
        answers.push((path, Value::from(if output.ok() { owner } else { "" })));
    }
    Ok(one_or_all(answers))
}

/// `pkg.info_installed`: what the database says of packages, by Salt's names.
pub fn info_installed(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    const FIELDS: [(&str, &str); 9] = [
        ("name", "Package"),
        ("version", "Version"),
        ("arch", "Architecture"),
        ("vendor", "Origin"),
        ("group", "Section"),
        ("packager", "Maintainer"),
        ("url", "Homepage"),
        ("source", "Source"),
        ("install_size", "Installed-Size"),
    ];
    let wanted = names(args);
    let text = std::fs::read_to_string(STATUS)
        .or_else(|_| ask().map_err(|error| std::io::Error::other(error.to_string())));
    let text = text.map_err(|error| CallError::failed(error.to_string()))?;
    let mut found = Map::new();
    for stanza in text.split("\n\n") {
        let field = |name: &str| stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        let name = field("Package").unwrap_or_default();
        let is_wanted = wanted.is_empty() || wanted.iter().any(|one| one == name);
        if !is_wanted || !field("Status").is_some_and(|status| status.ends_with(" installed")) {
            continue;
        }
        let mut facts: Map =
            FIELDS.into_iter().filter_map(|(key, deb)| Some((key, Value::from(field(deb)?)))).collect();
        facts.insert("description", description(stanza));
        let list = Path::new("/var/lib/dpkg/info").join(format!("{name}.list"));
        if let Ok(changed) = list.metadata().and_then(|meta| meta.modified()) {
            let seconds = changed.duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs();
            facts.insert("install_date_time_t", seconds);
        }
        found.insert(name, facts);
    }
    match wanted.iter().find(|name| !found.contains_key(name)) {
        Some(missing) if args.keywords().get("failhard").is_none_or(Value::is_truthy) => {
            Err(CallError::failed(format!("package {missing} is not installed")))
        }
        _ => Ok(found.into()),
    }
}

/// The description with its further lines.
fn description(stanza: &str) -> String {
    let mut lines = stanza.lines().skip_while(|line| !line.starts_with("Description"));
    let first = lines.next().and_then(|line| line.split_once(": ")).map(|(_, text)| text).unwrap_or_default();
    let rest =
        lines.take_while(|line| line.starts_with(' ')).map(|line| line.strip_prefix(' ').unwrap_or(line));
    std::iter::once(first).chain(rest).collect::<Vec<_>>().join("\n")
}

/// `pkg.list_downloaded`: package files apt keeps.
pub fn list_downloaded(_: &mut Ctx, _: &Bound) -> Result<Value, CallError> {
    let mut found = Map::new();
    for path in crate::glob::glob(Path::new("/var/cache/apt/archives/*.deb")) {
        let text = path.to_string_lossy().into_owned();
        let (Some((name, version)), Ok(meta)) = (file(&text), path.metadata()) else { continue };
        let created = std::os::unix::fs::MetadataExt::ctime(&meta);
        let facts = Map::from([
            ("path", Value::from(text)),
            ("size", meta.len().into()),
            ("creation_date_time_t", created.into()),
        ]);
        let versions = found.entry_or(name, || Map::new().into());
        if let Some(versions) = versions.as_map_mut() {
            versions.insert(version, facts);
        }
    }
    Ok(found.into())
}

/// Versions in apt's lists, newest first.
pub fn available(_: &mut Ctx, names: &[String]) -> Result<Packages, CallError> {
    let mut argv = vec!["apt-cache".to_owned()];
    argv.push(if names.is_empty() { "dumpavail" } else { "show" }.to_owned());
    argv.extend(names.iter().cloned());
    let text = tools::run(&argv)?.text();
    let (mut found, mut name) = (Packages::new(), "");
    for line in text.lines() {
        if let Some(package) = line.strip_prefix("Package: ") {
            name = package.trim();
        } else if let Some(version) = line.strip_prefix("Version: ") {
            let versions = found.entry(name.to_owned()).or_default();
            if !versions.iter().any(|known| known == version) {
                versions.push(version.to_owned());
            }
        }
    }
    Ok(found)
}

/// Parameters of functions that take names alone.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_become_lists_by_what_is_wanted_of_them() {
        let stanza = |name: &str, status: &str, arch: &str| {
            format!(
                "Package: {name}\nStatus: {status}\nArchitecture: {arch}\nVersion: 1.0\nDescription: x\n more\n"
            )
        };
        let text = [
            stanza("a", "install ok installed", "amd64"),
            stanza("b", "deinstall ok config-files", "amd64"),
            stanza("c", "hold ok installed", "all"),
            stanza("d", "install ok installed", "i386"),
            stanza("e", "purge ok installed", "amd64"),
            stanza("f", "install ok not-installed", "amd64"),
        ]
        .join("\n");
        let lists = parse(&text, Some("amd64"));
        assert_eq!(lists.installed.keys().collect::<Vec<_>>(), ["a", "c", "d:i386"]);
        assert_eq!(lists.removed.keys().collect::<Vec<_>>(), ["b"]);
        assert_eq!(lists.purge_desired.keys().collect::<Vec<_>>(), ["e"]);
    }
}

//! `locale.*`: the host's language, and the locales that were generated.

use crate::registry::{CallError, Function, Module, Param, always};
use crate::{Bound, Ctx, tools, write};
use halite_wire::{Map, Value};
use std::fs;
use std::path::Path;

pub const MODULE: Module = Module {
    file: "localemod",
    virtual_name: "locale",
    doc: "The host's language, and the locales there are.",
    applies: always,
    functions: &[
        Function {
            name: "avail",
            params: &[Param::Required("locale")],
            doc: "Whether a locale was generated.",
            example: "locale.avail de_DE.UTF-8",
            call: avail,
        },
        Function {
            name: "gen_locale",
            params: &[Param::Required("locale"), Param::Keywords("kwargs")],
            doc: "Generates a locale.",
            example: "locale.gen_locale 'de_DE.UTF-8 UTF-8'",
            call: generate,
        },
        Function {
            name: "get_locale",
            params: &[],
            doc: "The host's language.",
            example: "locale.get_locale",
            call: |ctx, _| get(ctx),
        },
        Function {
            name: "list_avail",
            params: &[],
            doc: "Locales that were generated.",
            example: "locale.list_avail",
            call: |_, _| Ok(listed()?.lines().collect()),
        },
        Function {
            name: "set_locale",
            params: &[Param::Required("locale")],
            doc: "Sets the host's language.",
            example: "locale.set_locale de_DE.UTF-8",
            call: set,
        },
    ],
};

/// `language_territory.codeset@modifier charmap`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Locale {
    language: String,
    territory: String,
    codeset: String,
    modifier: String,
    charmap: String,
}

impl Locale {
    fn of(text: &str) -> Locale {
        let cut = |text: &str, at: char| match text.split_once(at) {
            Some((before, after)) => (before.to_owned(), after.to_owned()),
            None => (text.to_owned(), String::new()),
        };
        let (name, charmap) = cut(text.trim(), ' ');
        let (name, modifier) = cut(&name, '@');
        let (name, codeset) = cut(&name, '.');
        let (language, territory) = cut(&name, '_');
        Locale { language, territory, codeset, modifier, charmap }
    }

    /// The form in which `de_DE.UTF-8` and `de_DE.utf8` are the same.
    fn normal(&self) -> String {
        let codeset: String = self.codeset.to_lowercase().chars().filter(|c| *c != '-').collect();
        Locale { codeset, charmap: String::new(), ..self.clone() }.to_text()
    }

    fn to_text(&self) -> String {
        let mut text = self.language.clone();
        for (sign, part) in
            [('_', &self.territory), ('.', &self.codeset), ('@', &self.modifier), (' ', &self.charmap)]
        {
            if !part.is_empty() {
                text.push(sign);
                text += part;
            }
        }
        text
    }
}

fn listed() -> Result<String, CallError> {
    tools::text(&["locale", "-a"])
}

fn avail(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let wanted = Locale::of(&args.str("locale")?).normal();
    Ok(listed()?.lines().any(|line| Locale::of(line).normal() == wanted).into())
}

fn systemd() -> bool {
    Path::new("/run/systemd/system").is_dir()
}

/// The file that has the language, its key, and the sign around its value.
fn place(ctx: &mut Ctx) -> Result<(&'static str, &'static str, &'static str), CallError> {
    if systemd() {
        return Ok(("/etc/locale.conf", "LANG", ""));
    }
    match ctx.grains().get_str("os_family").unwrap_or_default() {
        "Debian" => Ok(("/etc/default/locale", "LANG", "\"")),
        "RedHat" => Ok(("/etc/sysconfig/i18n", "LANG", "\"")),
        "Suse" => Ok(("/etc/sysconfig/language", "RC_LANG", "\"")),
        other => {
            Err(CallError::failed(format!("the language of {other} hosts is kept in a way not known here")))
        }
    }
}

fn get(ctx: &mut Ctx) -> Result<Value, CallError> {
    if systemd() && tools::has("localectl") {
        let text = tools::text(&["localectl", "status"])?;
        let lang = text.lines().find_map(|line| line.split_once("LANG=")).map(|(_, lang)| lang.trim());
        return Ok(lang.unwrap_or_default().into());
    }
    let (file, key, _) = place(ctx)?;
    let text = fs::read_to_string(file).unwrap_or_default();
    let value = text.lines().filter_map(|line| line.split_once('=')).find(|(name, _)| *name == key);
    Ok(value.map_or_else(String::new, |(_, value)| value.replace('"', "")).into())
}

fn set(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let locale = args.str("locale")?;
    if systemd()
        && tools::has("localectl")
        && tools::run(&["localectl", "set-locale", &format!("LANG={locale}")])?.ok()
    {
        return Ok(Value::Bool(true));
    }
    let (file, key, quote) = place(ctx)?;
    if file == "/etc/default/locale" {
        // It makes the file where there is none, and says what is wrong with it.
        tools::run(&["update-locale"])?;
    }
    let wanted = format!("{key}={quote}{locale}{quote}");
    let text = fs::read_to_string(file).unwrap_or_default();
    let is_it = |line: &str| line.split_once('=').is_some_and(|(name, _)| name == key);
    let mut lines: Vec<&str> = text.lines().map(|line| if is_it(line) { &wanted } else { line }).collect();
    if !text.lines().any(is_it) {
        lines.push(&wanted);
    }
    store(file, &lines)
}

fn store(file: &str, lines: &[&str]) -> Result<Value, CallError> {
    let failed = |error| CallError::failed(format!("{file}: {error}"));
    write::replace(Path::new(file), (lines.join("\n") + "\n").as_bytes(), 0o644).map_err(failed)?;
    Ok(Value::Bool(true))
}

/// Has `locale-gen` know the locale: its line in `/etc/locale.gen`, freed of the comment sign.
fn declare(locale: &str) -> Result<(), CallError> {
    let file = "/etc/locale.gen";
    let Ok(text) = fs::read_to_string(file) else { return Ok(()) };
    let is_commented = |line: &str| line.trim().strip_prefix('#').is_some_and(|rest| rest.trim() == locale);
    let mut lines: Vec<&str> =
        text.lines().map(|line| if is_commented(line) { locale } else { line }).collect();
    if !lines.iter().any(|line| line.trim() == locale) {
        lines.push(locale);
    }
    store(file, &lines).map(drop)
}

/// Whether the host has what the locale is made of.
fn is_supported(locale: &Locale, by_list: bool) -> bool {
    if by_list {
        let text = fs::read_to_string("/usr/share/i18n/SUPPORTED").unwrap_or_default();
        return text.lines().any(|line| line.trim() == locale.to_text());
    }
    Path::new("/usr/share/i18n/locales").join(format!("{}_{}", locale.language, locale.territory)).exists()
}

fn generate(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let os = ctx.grains().get_str("os").unwrap_or_default().to_owned();
    let mut locale = Locale::of(&args.str("locale")?);
    if locale.charmap.is_empty() && os != "Ubuntu" {
        locale.charmap = locale.codeset.clone();
    }
    if !is_supported(&locale, matches!(os.as_str(), "Debian" | "Gentoo")) {
        return Ok(Value::Bool(false));
    }
    declare(&locale.to_text())?;
    let name = format!("{}_{}", locale.language, locale.territory);
    let output = if tools::has("locale-gen") {
        let mut words = vec!["locale-gen".to_owned()];
        words.extend((os == "Gentoo").then(|| "--generate".to_owned()));
        words.push(if os == "Ubuntu" { locale.normal() } else { locale.to_text() });
        tools::run(&words)?
    } else {
        let whole = format!("{name}.{}", locale.codeset);
        tools::run(&["localedef", "--force", "-i", &name, "-f", &locale.codeset, &whole, "--quiet"])?
    };
    if !args.keywords().get("verbose").is_some_and(Value::is_truthy) {
        return Ok(output.ok().into());
    }
    let text = |bytes: &[u8]| Value::from(String::from_utf8_lossy(bytes).trim_end().to_owned());
    let mut answer = Map::from([("stdout", text(&output.stdout)), ("stderr", text(&output.stderr))]);
    answer.insert("retcode", output.code);
    Ok(answer.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_locale_are_the_same() {
        assert_eq!(Locale::of("de_DE.UTF-8 UTF-8").normal(), Locale::of("de_DE.utf8").normal());
        assert_ne!(Locale::of("de_DE@euro").normal(), Locale::of("de_DE").normal());
        assert_eq!(Locale::of("ca_ES.UTF-8@valencia UTF-8").to_text(), "ca_ES.UTF-8@valencia UTF-8");
    }
}

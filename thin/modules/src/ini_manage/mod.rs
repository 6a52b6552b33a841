//! `ini.*`: options and sections of INI files, and of files that are only options.

mod document;

use crate::registry::Default::{Bool, Null, Str};
use crate::registry::Param::{self, Optional, Required};
use crate::registry::{CallError, Function, Module, always};
use crate::{Bound, Ctx, paths, write};
pub use document::{Section, Style, change, written};
use halite_wire::{Map, Value};
use std::io;
use std::path::PathBuf;

pub const MODULE: Module = Module {
    file: "ini_manage",
    virtual_name: "ini",
    doc: "Options and sections of INI files.",
    applies: always,
    functions: FUNCTIONS,
};

const FILE: Param = Required("file_name");
const SECTION: Param = Required("section");
const OPTION: Param = Required("option");
const SEPARATOR: Param = Optional("separator", Str("="));
const ENCODING: Param = Optional("encoding", Null);

const FUNCTIONS: &[Function] = &[
    Function {
        name: "get_ini",
        params: &[FILE, SEPARATOR, ENCODING],
        doc: "The whole file as a dictionary.",
        example: "ini.get_ini /etc/app.ini",
        call: get_ini,
    },
    Function {
        name: "get_option",
        params: &[FILE, SECTION, OPTION, SEPARATOR, ENCODING],
        doc: "The value of an option in a section, or without a section at the top of the file.",
        example: "ini.get_option /etc/app.ini main port",
        call: get_option,
    },
    Function {
        name: "get_section",
        params: &[FILE, SECTION, SEPARATOR, ENCODING],
        doc: "The options of a section.",
        example: "ini.get_section /etc/app.ini main",
        call: get_section,
    },
    Function {
        name: "remove_option",
        params: &[FILE, SECTION, OPTION, SEPARATOR, ENCODING],
        doc: "Removes an option; its value.",
        example: "ini.remove_option /etc/app.ini main port",
        call: remove_option,
    },
    Function {
        name: "remove_section",
        params: &[FILE, SECTION, SEPARATOR, ENCODING],
        doc: "Removes a section; its options.",
        example: "ini.remove_section /etc/app.ini main",
        call: remove_section,
    },
    Function {
        name: "set_option",
        params: &[FILE, Optional("sections", Null), SEPARATOR, ENCODING, Optional("no_spaces", Bool(false))],
        doc: "Sets options of sections, and of the top of the file; what changed.",
        example: "ini.set_option /etc/app.ini '{main: {port: 80}}'",
        call: set_option,
    },
];

/// An INI file under edit.
pub struct Ini {
    path: PathBuf,
    text: String,
    style: Style,
    pub file: Section,
}

impl Ini {
    /// The file that argument `file` names, read as `separator` says; empty where there is none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn load(args: &Bound, file: &str) -> Result<Ini, CallError> {
        let path = paths::from_bytes(&paths::expand_user(args.str(file)?.as_bytes()));
        let text = match std::fs::read(&path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(CallError::failed(format!("cannot read {}: {error}", path.display()))),
        };
        let style = Style { separator: args.str("separator")?, no_spaces: args.bool("no_spaces") };
        let file = Section::parse(&text, &style);
        Ok(Ini { path, text, style, file })
    }

    /// Sets options and sections; what changed.
    pub fn update(&mut self, wanted: &Map) -> Map {
        self.file.update(wanted, &self.style)
    }

    /// Writes the file, unless nothing was done to it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn store(&self) -> Result<(), CallError> {
        if self.file == Section::parse(&self.text, &self.style) && self.path.exists() {
            return Ok(());
        }
        write::replace(&self.path, self.file.render(&self.style).as_bytes(), write::default_mode())
            .map_err(|error| CallError::failed(format!("cannot write {}: {error}", self.path.display())))
    }
}

fn get_ini(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(Ini::load(args, "file_name")?.file.value().into())
}

fn get_option(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let (ini, option) = (Ini::load(args, "file_name")?, args.str("option")?);
    let found = match args.opt_str("section")?.filter(|section| !section.is_empty()) {
        Some(section) => ini.file.section(&section).and_then(|section| section.option(&option)),
        None => ini.file.option(&option),
    };
    Ok(found.map(str::to_owned).into())
}

fn get_section(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let ini = Ini::load(args, "file_name")?;
    Ok(ini.file.section(&args.str("section")?).map(Section::options).unwrap_or_default().into())
}

fn remove_option(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut ini = Ini::load(args, "file_name")?;
    let section = args.opt_str("section")?.unwrap_or_default();
    let removed = ini.file.remove_from(&section, &args.str("option")?);
    ini.store()?;
    Ok(removed.into())
}

fn remove_section(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut ini = Ini::load(args, "file_name")?;
    let removed = ini.file.remove_section(&args.str("section")?);
    ini.store()?;
    Ok(removed.map(|section| section.options()).into())
}

fn set_option(_: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let mut ini = Ini::load(args, "file_name")?;
    let changes = ini.update(&args.get("sections").as_map().cloned().unwrap_or_default());
    ini.store()?;
    Ok(changes.into())
}

//! What `jinja_env`, `jinja_sls_env` and the header of a template say of Jinja's syntax.

use halite_wire::{Map, Value};
use std::borrow::Cow;

/// How tags are written, and how blanks and line breaks around them are treated.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Settings {
    /// Drop the line break after a block tag.
    pub trim_blocks: bool,
    /// Drop the blanks before a block tag that begins its line.
    pub lstrip_blocks: bool,
    /// Keep the line break at the end of a source. Salt adds one more to what it renders, where its source has one.
    pub keep_trailing_newline: bool,
    /// What line breaks become: `\n`, `\r\n` or `\r`.
    pub newline: &'static str,
    pub marks: Marks,
}

/// The signs of tags: where they begin, and where they end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Marks {
    pub block: (Sign, Sign),
    pub variable: (Sign, Sign),
    pub comment: (Sign, Sign),
    /// Makes a statement of the line it begins.
    pub line_statement: Option<Sign>,
    /// Makes a comment of what follows in its line.
    pub line_comment: Option<Sign>,
}

/// Never empty.
pub type Sign = Cow<'static, str>;

/// What Salt uses where the configuration says nothing.
impl Default for Settings {
    fn default() -> Settings {
        Settings {
            trim_blocks: false,
            lstrip_blocks: false,
            keep_trailing_newline: false,
            newline: "\n",
            marks: Marks::default(),
        }
    }
}

impl Default for Marks {
    fn default() -> Marks {
        let pair = |begin: &'static str, end: &'static str| (Sign::from(begin), Sign::from(end));
        Marks {
            block: pair("{%", "%}"),
            variable: pair("{{", "}}"),
            comment: pair("{#", "#}"),
            line_statement: None,
            line_comment: None,
        }
    }
}

impl Settings {
    /// From the options of a minion or master: `jinja_sls_env` for an SLS, `jinja_env` for other templates, and the
    /// older `jinja_trim_blocks` and `jinja_lstrip_blocks`, which count for both.
    ///
    /// # Errors
    /// A value that Jinja cannot take; the message names the option.
    pub fn of(opts: &Map, is_sls: bool) -> Result<Settings, String> {
        let name = if is_sls { "jinja_sls_env" } else { "jinja_env" };
        let mut settings = Settings::default();
        if let Some(env) = opts.get(name).and_then(Value::as_map) {
            settings = settings.changed_by(env).map_err(|why| format!("{name}: {why}"))?;
        }
        let older = |key: &str| opts.get(key).is_some_and(Value::is_truthy);
        settings.trim_blocks |= older("jinja_trim_blocks");
        settings.lstrip_blocks |= older("jinja_lstrip_blocks");
        Ok(settings)
    }

    /// With what `options` say, whose names may be in any case. What Jinja has no setting for is left out, as in Salt.
    pub(super) fn changed_by(mut self, options: &Map) -> Result<Settings, String> {
        for (key, value) in options {
            let key = key.as_str().unwrap_or_default().to_lowercase();
            let marks = &mut self.marks;
            match key.as_str() {
                "trim_blocks" => self.trim_blocks = value.is_truthy(),
                "lstrip_blocks" => self.lstrip_blocks = value.is_truthy(),
                "keep_trailing_newline" => self.keep_trailing_newline = value.is_truthy(),
                "newline_sequence" => self.newline = newline(value)?,
                "block_start_string" => marks.block.0 = sign(&key, value)?,
                "block_end_string" => marks.block.1 = sign(&key, value)?,
                "variable_start_string" => marks.variable.0 = sign(&key, value)?,
                "variable_end_string" => marks.variable.1 = sign(&key, value)?,
                "comment_start_string" => marks.comment.0 = sign(&key, value)?,
                "comment_end_string" => marks.comment.1 = sign(&key, value)?,
                "line_statement_prefix" => marks.line_statement = prefix(&key, value)?,
                "line_comment_prefix" => marks.line_comment = prefix(&key, value)?,
                "default_filters" | "default_tests" | "default_namespace" | "default_policies" => {
                    return Err(format!("{key} cannot be changed"));
                }
                _ => {}
            }
        }
        self.marks.check()?;
        Ok(self)
    }
}

impl Marks {
    fn check(&self) -> Result<(), String> {
        let variable = &self.variable.0;
        if *variable == self.block.0 || *variable == self.comment.0 {
            return Err(format!("block, variable and comment cannot begin with the same {variable:?}"));
        }
        Ok(())
    }
}

fn newline(value: &Value) -> Result<&'static str, String> {
    let known = ["\n", "\r\n", "\r"].into_iter().find(|known| value.as_str() == Some(known));
    known.ok_or_else(|| "newline_sequence is one of \"\\n\", \"\\r\\n\" and \"\\r\"".to_owned())
}

fn sign(key: &str, value: &Value) -> Result<Sign, String> {
    let text = value.as_str().filter(|text| !text.is_empty());
    text.map(|text| Sign::from(text.to_owned())).ok_or_else(|| format!("{key} must be a text, and not empty"))
}

fn prefix(key: &str, value: &Value) -> Result<Option<Sign>, String> {
    match value {
        Value::Null => Ok(None),
        value => sign(key, value).map(Some).map_err(|why| format!("{why}; `null` means that there is none")),
    }
}

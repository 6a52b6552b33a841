//! One command: arguments of a `cmd.*` call in, what it left out.

use super::surroundings;
use crate::args::as_text;
use crate::glob::fnmatch;
use crate::process::{Command, Output, ProcessError};
use crate::registry::CallError;
use crate::shell_words;
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};

/// A call of `cmd.*`, as far as the functions differ.
#[derive(Clone)]
pub struct Job<'a> {
    pub args: &'a Bound,
    /// Text, or a list of words.
    pub cmd: Value,
    /// Whether a text goes through the shell; `None` leaves it to the argument and Salt's rule.
    pub python_shell: Option<bool>,
    /// Standard error into standard output.
    pub merge: bool,
    pub background: bool,
}

/// What a command left.
pub struct Ran {
    pub pid: u32,
    /// `None` where it runs on in the background.
    pub code: Option<i64>,
    pub stdout: Value,
    pub stderr: Value,
}

impl Ran {
    /// Salt's shape of `run_all`.
    pub fn into_map(self, args: &Bound) -> Map {
        let mut map = Map::new();
        map.insert("pid", self.pid);
        map.insert("retcode", self.code);
        map.insert("stdout", super::unless_hidden(args, self.stdout));
        map.insert("stderr", super::unless_hidden(args, self.stderr));
        map
    }
}

/// Runs the command and sets the call's exit code from it.
///
/// # Errors
/// [`CallError`] where it could not be started; a command that failed is a [`Ran`].
pub fn execute(ctx: &mut Ctx, job: &Job) -> Result<Ran, CallError> {
    let args = job.args;
    let line = Line::of(ctx, job)?;
    permitted(ctx, args, &line)?;
    let success = Success::of(args)?;
    let command = surroundings::apply(ctx, args, line.command(args)?)?;
    ctx.link.flush();
    if job.background {
        let pid = command.start_detached().map_err(|error| cannot_start(&error))?;
        ctx.retcode = 0;
        return Ok(Ran { pid, code: None, stdout: "".into(), stderr: "".into() });
    }
    let command = if job.merge { command.merge_stderr() } else { command };
    let output = command.run().map_err(|error| cannot_start(&error))?;
    let ran = report(ctx, args, &line, output, &success)?;
    ctx.retcode = if args.bool("ignore_retcode") { 0 } else { ran.code.unwrap_or(0) };
    Ok(ran)
}

fn cannot_start(error: &ProcessError) -> CallError {
    CallError::Failed(error.to_string())
}

fn report(
    ctx: &mut Ctx,
    args: &Bound,
    line: &Line,
    output: Output,
    success: &Success,
) -> Result<Ran, CallError> {
    ctx.notes.extend(output.notes);
    if output.timed_out {
        let limit = as_text(args.get("timeout")).unwrap_or_default();
        let stdout = format!("{} : Timed out after {limit} seconds", line.text());
        return Ok(Ran { pid: output.pid, code: Some(1), stdout: stdout.into(), stderr: "".into() });
    }
    let well = success.holds(output.code, &output.stdout, &output.stderr);
    let code = if well { 0 } else { output.code };
    // A terminal's output is answered as it was shown.
    let strip = !args.bool("use_vt") && (args.get("rstrip").is_null() || args.bool("rstrip"));
    let encoding = args.opt_str("output_encoding")?;
    let text = |bytes| decode(bytes, encoding.as_deref(), strip).map_err(|why| args.wrong(why));
    Ok(Ran { pid: output.pid, code: Some(code), stdout: text(output.stdout)?, stderr: text(output.stderr)? })
}

/// What is run.
enum Line {
    Shell(String),
    Words(Vec<String>),
}

impl Line {
    fn of(ctx: &mut Ctx, job: &Job) -> Result<Line, CallError> {
        let args = job.args;
        let line = match &job.cmd {
            Value::List(words) => {
                let words: Option<Vec<String>> = words.iter().map(as_text).collect();
                Line::Words(words.ok_or_else(|| args.wrong("the words of 'cmd' must be texts or numbers"))?)
            }
            text => {
                let text =
                    as_text(text).ok_or_else(|| args.wrong("'cmd' must be text or a list of words"))?;
                let text = surroundings::render(ctx, args, text)?;
                if python_shell(ctx, job) { Line::Shell(text) } else { Line::Words(split(args, &text)?) }
            }
        };
        let empty = match &line {
            Line::Shell(text) => text.trim().is_empty(),
            Line::Words(words) => words.first().is_none_or(String::is_empty),
        };
        if empty { Err(args.wrong("the command is empty")) } else { Ok(line) }
    }

    fn command(&self, args: &Bound) -> Result<Command, CallError> {
        match self {
            Line::Shell(text) => Ok(Command::shell(surroundings::shell(args)?, text)),
            Line::Words(words) => Ok(Command::new(words)),
        }
    }

    fn text(&self) -> String {
        match self {
            Line::Shell(text) => text.clone(),
            Line::Words(words) => words.join(" "),
        }
    }
}

fn split(args: &Bound, text: &str) -> Result<Vec<String>, CallError> {
    shell_words::split(text).map_err(|error| args.wrong(error.to_string()))
}

/// Salt's rule: what a user publishes goes through the shell, what code calls does not, unless it is asked for.
fn python_shell(ctx: &Ctx, job: &Job) -> bool {
    if let Some(decided) = job.python_shell {
        return decided;
    }
    let published = job.args.keywords().get("__pub_jid").is_some_and(Value::is_truthy);
    let unsafe_by_config = ctx.opts.get("cmd_safe") == Some(&Value::Bool(false));
    match job.args.get("python_shell") {
        Value::Null => published || unsafe_by_config,
        _ => job.args.bool("python_shell"),
    }
}

/// `cmd_blacklist_glob` and `cmd_whitelist_glob` of the configuration hold for published calls.
fn permitted(ctx: &Ctx, args: &Bound, line: &Line) -> Result<(), CallError> {
    if args.keywords().get("__pub_jid").is_none() {
        return Ok(());
    }
    let text = line.text();
    let matches = |key: &str| {
        let globs = ctx.opts.get(key).and_then(Value::as_list).unwrap_or_default();
        let hit =
            globs.iter().filter_map(Value::as_str).any(|glob| fnmatch(text.as_bytes(), glob.as_bytes()));
        (!globs.is_empty()).then_some(hit)
    };
    let forbidden =
        matches("cmd_blacklist_glob") == Some(true) || matches("cmd_whitelist_glob") == Some(false);
    if forbidden {
        Err(CallError::failed(format!("the command is not permitted here: {text}")))
    } else {
        Ok(())
    }
}

/// What counts as success besides exit code 0.
struct Success {
    codes: Vec<i64>,
    stdout: Vec<String>,
    stderr: Vec<String>,
}

impl Success {
    fn of(args: &Bound) -> Result<Success, CallError> {
        let codes = args.texts("success_retcodes")?.iter().map(|code| code.parse()).collect::<Result<_, _>>();
        Ok(Success {
            codes: codes.map_err(|_| args.wrong("'success_retcodes' must be whole numbers"))?,
            stdout: args.texts("success_stdout")?,
            stderr: args.texts("success_stderr")?,
        })
    }

    fn holds(&self, code: i64, stdout: &[u8], stderr: &[u8]) -> bool {
        self.codes.contains(&code)
            || self.stdout.iter().any(|text| contains(stdout, text))
            || self.stderr.iter().any(|text| contains(stderr, text))
    }
}

fn contains(haystack: &[u8], needle: &str) -> bool {
    haystack.windows(needle.len().max(1)).any(|window| window == needle.as_bytes())
}

/// Output as a value: text where it is text in its encoding (UTF-8 unless given), else the very bytes.
fn decode(bytes: Vec<u8>, encoding: Option<&str>, strip: bool) -> Result<Value, String> {
    let mut value = match encoding.map(str::to_ascii_lowercase).as_deref() {
        None | Some("utf-8" | "utf8" | "ascii" | "us-ascii") => Value::from_bytes(bytes),
        Some("latin-1" | "latin1" | "iso-8859-1") => {
            bytes.into_iter().map(char::from).collect::<String>().into()
        }
        Some("utf-16" | "utf-16le" | "utf-16-le") => utf_16(&bytes, u16::from_le_bytes),
        Some("utf-16be" | "utf-16-be") => utf_16(&bytes, u16::from_be_bytes),
        Some(other) => {
            return Err(format!(
                "the encoding '{other}' is not known here; utf-8, ascii, latin-1 and utf-16 are"
            ));
        }
    };
    if strip {
        strip_end(&mut value);
    }
    Ok(value)
}

fn utf_16(bytes: &[u8], join: fn([u8; 2]) -> u16) -> Value {
    let units: Vec<u16> = bytes.chunks_exact(2).map(|pair| join([pair[0], pair[1]])).collect();
    String::from_utf16_lossy(units.strip_prefix(&[0xfeff]).unwrap_or(&units)).into()
}

/// Takes blanks off the end, those of Python's `rstrip`.
fn strip_end(value: &mut Value) {
    match value {
        Value::Str(text) => {
            let blank = |c: char| c.is_whitespace() || ('\x1c'..='\x1f').contains(&c);
            let len = text.trim_end_matches(blank).len();
            text.truncate(len);
        }
        Value::Bytes(bytes) => {
            let len = bytes.trim_ascii_end().len();
            bytes.truncate(len);
        }
        _ => {}
    }
}

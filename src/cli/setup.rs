//! What both commands do first: find the configuration, set up the log, decide how results are shown.

use super::exit;
use super::options::{CommonOptions, OutputOptions};
use crate::config::{self, Config, Environment, Locate, OutputConfig};
use crate::output::{
    ColorMode, Indent, Level, Log, Options, Pieces, StateView, Stderr, Style, Tabular, find, render, results,
    sanitize_line,
};
use crate::runners::{Answer, RunnerError};
use halite_wire::Value;
use std::io::{IsTerminal, Write};

/// Why a command ends before it began: what to say, and with which code.
#[derive(Debug)]
pub struct Refusal {
    pub message: String,
    pub code: u8,
}

impl Refusal {
    pub fn new(code: u8, message: impl ToString) -> Refusal {
        Refusal { message: message.to_string(), code }
    }
}

/// The configuration, and the log on stderr, set up as both it and the command line say.
///
/// # Errors
/// Everything that is wrong with the configuration, and an outputter that is not there.
pub fn begin(common: &CommonOptions, program: &'static str) -> Result<(Config, Log, Stderr), Refusal> {
    let locate = Locate {
        config_dir: common.config_dir.clone(),
        saltfile: common.saltfile.clone(),
        program,
        env: Environment::of_process(),
    };
    let (config, warnings) =
        config::load(&locate).map_err(|problems| Refusal::new(exit::CONFIG, problems))?;
    if let Some(name) = common.output.output.as_ref().or(config.output.output.as_ref()) {
        find(name).map_err(|error| Refusal::new(exit::USAGE, error))?;
    }
    let stderr = Stderr::of_process();
    let level = common.log.level.unwrap_or_else(|| config.log.level.parse::<Level>().unwrap_or_default());
    let log = Log::new(stderr.clone(), level);
    // Only one command runs in a process; a second setting would change nothing.
    let _ = tracing::subscriber::set_global_default(log.clone());
    warnings.iter().for_each(|warning| log.warning(&warning.to_string()));
    common.without_effect.iter().for_each(|note| tracing::debug!("{note}"));
    Ok((config, log, stderr))
}

/// How results are shown: the command line over the Saltfile and the configuration.
pub fn output_options(cli: &OutputOptions, config: &Config) -> Options {
    let (no_color, saltfile) = (std::env::var_os("NO_COLOR"), &config.saltfile);
    let config = &config.output;
    let wants_none = cli.no_color || saltfile.is_on("no_color") || config.color == Some(false);
    let wants_color = cli.force_color || saltfile.is_on("force_color");
    Options {
        out: cli.output.clone().or_else(|| config.output.clone()),
        indent: indent(cli.indent, config.indent.as_ref()),
        out_file: cli.file.clone().or_else(|| config.file.clone()),
        out_file_append: cli.append || config.file_append,
        color: ColorMode::choose(wants_color, wants_none, no_color.as_deref()),
        states: state_view(cli, config).into(),
        ..Options::default()
    }
}

/// How states are shown; `exclude=` and `terse=` of a call come on top.
pub fn state_view(cli: &OutputOptions, config: &OutputConfig) -> StateView {
    let mut view = StateView {
        verbose: cli.state_verbose.unwrap_or(config.state_verbose),
        diff: cli.state_output_diff || config.state_output_diff,
        percentages: config.state_output_pct,
        profile: config.state_output_profile,
        compress_ids: config.state_compress_ids,
        tabular: Tabular::from(&config.state_tabular),
        exclude: results(&config.state_output_exclude),
        terse: results(&config.state_output_terse),
        ..StateView::default()
    };
    view.set_mode(cli.state_output.as_deref().unwrap_or(&config.state_output));
    view
}

fn indent(cli: Option<i64>, config: Option<&Value>) -> Indent {
    let number = match (cli, config) {
        (Some(number), _) => Some(number),
        (None, Some(Value::Int(number))) => Some(*number),
        (None, Some(Value::Null)) => return Indent::Compact,
        (None, _) => None,
    };
    match number {
        None => Indent::Usual,
        Some(number) => u16::try_from(number).map_or(Indent::Compact, Indent::Spaces),
    }
}

/// How this controller names itself in events: its `id`, or its machine's name with `_master` behind.
pub fn master_id(config: &Config) -> String {
    let id = config.opts.0.get("id").and_then(Value::as_str).map(str::to_owned);
    id.unwrap_or_else(|| format!("{}_master", rustix::system::uname().nodename().to_string_lossy()))
}

/// Shows an event on stdout: tag, TAB, data as JSON on one line or several. False where nobody reads any more.
pub fn print_event(tag: &str, data: &Value, pretty: bool) -> bool {
    let mut stdout = std::io::stdout();
    let indent = if pretty { Indent::Pretty } else { Indent::Compact };
    let style = Style { indent, ..Options::default().style(stdout.is_terminal()) };
    let line = format!("{}\t{}\n", sanitize_line(tag), render("json", data, &style));
    stdout.write_all(line.as_bytes()).and_then(|()| stdout.flush()).is_ok()
}

/// Shows `data` on stdout, by the outputter the user chose, else the `suggested` one. A reader that went away has
/// read enough.
///
/// # Errors
/// What writing says.
pub fn print(output: &Options, data: &Value, suggested: Option<&str>) -> Result<u8, Refusal> {
    let is_terminal = std::io::stdout().is_terminal() && output.out_file.is_none();
    print_text(output, &output.document(data, suggested, &output.style(is_terminal)))
}

/// Shows the answer of a runner; where it comes in pieces, each as it comes.
///
/// # Errors
/// What writing says, and what reading the rest says.
pub async fn print_answer(output: &Options, mut answer: Answer) -> Result<u8, Refusal> {
    let suggested = answer.outputter.clone();
    let is_terminal = std::io::stdout().is_terminal() && output.out_file.is_none();
    let unread = |error: RunnerError| Refusal::new(exit::STORE, error);
    let pieces = Pieces::new(output, suggested.as_deref(), is_terminal).filter(|_| output.out_file.is_none());
    let (Some(mut pieces), Some(mut more)) = (pieces, answer.more.take()) else {
        let whole = answer.gathered().await.map_err(unread)?;
        return print(output, &whole.data, suggested.as_deref());
    };
    let mut text: String = match answer.data {
        Value::Map(data) => {
            let first =
                data.iter().filter_map(|(key, value)| Some((key.as_str()?.to_owned(), value.clone())));
            first.map(|(key, value)| pieces.next(key, value)).collect()
        }
        _ => String::new(),
    };
    loop {
        if !write_out(&text)? {
            return Ok(exit::OK);
        }
        let Some(entry) = more.recv().await else { break };
        let (key, value) = entry.map_err(|error| unread(error.into()))?;
        text = pieces.next(key, value);
    }
    write_out(&pieces.end()).map(|_| exit::OK)
}

/// Writes to stdout at once. False where nobody reads any more.
///
/// # Errors
/// What writing says.
pub(super) fn write_out(text: &str) -> Result<bool, Refusal> {
    let mut stdout = std::io::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Refusal::new(exit::OUTPUT, format!("stdout: {error}"))),
        Ok(()) => Ok(true),
    }
}

/// Puts finished text on stdout, or into the `--out-file`.
///
/// # Errors
/// What writing says.
pub fn print_text(output: &Options, text: &str) -> Result<u8, Refusal> {
    if let Some(path) = &output.out_file {
        let written = crate::output::write_file(path, output.out_file_append, text);
        return written.map(|()| exit::OK).map_err(|why| Refusal::new(exit::OUTPUT, why));
    }
    write_out(text).map(|_| exit::OK)
}

/// Who runs this, as Salt writes it.
pub(super) fn user() -> String {
    std::env::var("SUDO_USER").map_or_else(
        |_| std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "root".to_owned()),
        |user| format!("sudo_{user}"),
    )
}

//! `cmd.*`: commands and scripts on the host.
//!
//! A text goes through a shell where the user called the function himself (Salt's rule: a published call has
//! `python_shell=True`), and is split into words where a template or another function did. A list is always
//! the words of one command. Output that is not UTF-8 arrives as the very bytes.

mod chroot;
mod code;
mod look;
mod params;
mod run;
mod script;
mod surroundings;

use crate::registry::{CallError, Function, Module, always};
use crate::{Bound, Ctx};
use halite_wire::{Map, Value};
use run::{Job, Ran, execute};

pub const MODULE: Module = Module {
    file: "cmdmod",
    virtual_name: "cmd",
    doc: "Run commands, shell lines and scripts.",
    applies: always,
    functions: FUNCTIONS,
};

const FUNCTIONS: &[Function] = &[
    Function {
        name: "exec_code",
        params: params::EXEC_CODE,
        doc: "Runs source text with an interpreter and answers its standard output.",
        example: "cmd.exec_code python3 'print(6 * 7)'",
        call: code::exec_code,
    },
    Function {
        name: "exec_code_all",
        params: params::EXEC_CODE,
        doc: "Runs source text with an interpreter and answers pid, retcode, stdout and stderr.",
        example: "cmd.exec_code_all sh 'echo out; echo err >&2'",
        call: code::exec_code_all,
    },
    Function {
        name: "has_exec",
        params: params::WHICH,
        doc: "Whether a program of this name can be executed.",
        example: "cmd.has_exec rsync",
        call: look::has_exec,
    },
    Function {
        name: "retcode",
        params: params::RETCODE,
        doc: "Runs a command and answers its exit code; -N where signal N ended it.",
        example: "cmd.retcode 'grep -q ^root /etc/passwd'",
        call: retcode,
    },
    Function {
        name: "run",
        params: params::RUN,
        doc: "Runs a command and answers what it printed, standard error included unless redirect_stderr=False. \
              The exit code of the command becomes the exit code of the call.",
        example: "cmd.run 'df -h /' cwd=/tmp timeout=10",
        call: run,
    },
    Function {
        name: "run_all",
        params: params::RUN_ALL,
        doc: "Runs a command and answers pid, retcode, stdout and stderr.",
        example: "cmd.run_all 'uname -a; id' runas=nobody",
        call: run_all,
    },
    Function {
        name: "run_bg",
        params: params::RUN_BG,
        doc: "Starts a command that outlives the call, its output thrown away, and answers its pid.",
        example: "cmd.run_bg 'sleep 60; touch /tmp/done'",
        call: run_bg,
    },
    Function {
        name: "run_chroot",
        params: params::RUN_CHROOT,
        doc: "Runs a command with another root directory, /dev, /proc, /sys and the binds mounted meanwhile, and \
              answers pid, retcode, stdout and stderr. Processes left in that root are ended.",
        example: "cmd.run_chroot /var/lib/images/stable 'apt-get update'",
        call: chroot::run_chroot,
    },
    Function {
        name: "run_stderr",
        params: params::RUN_STREAM,
        doc: "Runs a command and answers its standard error only.",
        example: "cmd.run_stderr 'ls /nowhere'",
        call: run_stderr,
    },
    Function {
        name: "run_stdout",
        params: params::RUN_STREAM,
        doc: "Runs a command and answers its standard output only.",
        example: "cmd.run_stdout 'ls -l /etc'",
        call: run_stdout,
    },
    Function {
        name: "script",
        params: params::SCRIPT,
        doc: "Fetches a script (salt:// or a path on the host), runs it and answers pid, retcode, stdout and stderr. \
              With template= the further keywords are its variables.",
        example: "cmd.script salt://scripts/check.sh args='-v \"two words\"'",
        call: script::script,
    },
    Function {
        name: "script_retcode",
        params: params::SCRIPT_RETCODE,
        doc: "Fetches a script, runs it and answers its exit code. It is rendered with Jinja unless template= says else.",
        example: "cmd.script_retcode salt://scripts/check.sh",
        call: script::script_retcode,
    },
    Function {
        name: "shell",
        params: params::SHELL,
        doc: "Like cmd.run, and always through the shell.",
        example: "cmd.shell 'for i in 1 2 3; do echo $i; done'",
        call: shell,
    },
    Function {
        name: "shell_info",
        params: params::SHELL_INFO,
        doc: "Path and version of a shell or script language: bash, zsh, tcsh, perl, python, ruby, php.",
        example: "cmd.shell_info bash",
        call: look::shell_info,
    },
    Function {
        name: "shells",
        params: &[],
        doc: "The login shells that /etc/shells lists.",
        example: "cmd.shells",
        call: look::shells,
    },
    Function {
        name: "tty",
        params: params::TTY,
        doc: "Writes a text to a terminal of the host.",
        example: "cmd.tty tty0 'Going down at noon'",
        call: look::tty,
    },
    Function {
        name: "which",
        params: params::WHICH,
        doc: "Full path of a program, or null.",
        example: "cmd.which rsync",
        call: look::which,
    },
    Function {
        name: "which_bin",
        params: params::WHICH_BIN,
        doc: "Full path of the first of these programs that exists, or null.",
        example: "cmd.which_bin '[pip3, pip]'",
        call: look::which_bin,
    },
];

/// `cmd.run` merges the streams unless told otherwise; the others keep them apart unless told otherwise.
fn job(args: &Bound, merge: bool) -> Job<'_> {
    Job {
        args,
        cmd: args.get("cmd").clone(),
        python_shell: None,
        merge: if args.is_given("redirect_stderr") { args.bool("redirect_stderr") } else { merge },
        background: args.bool("bg"),
    }
}

fn unless_hidden(args: &Bound, output: Value) -> Value {
    if args.bool("hide_output") { Value::from("") } else { output }
}

fn run(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let ran = execute(ctx, &job(args, true))?;
    raise(args, &ran)?;
    Ok(unless_hidden(args, ran.stdout))
}

/// `raise_err=True`: a failed command is an error, its output the message.
fn raise(args: &Bound, ran: &Ran) -> Result<(), CallError> {
    let failed = !matches!(ran.code, None | Some(0));
    let quiet = args.get("output_loglevel").as_str() == Some("quiet");
    if !failed || quiet || !args.bool("raise_err") || args.bool("ignore_retcode") {
        return Ok(());
    }
    let output = match unless_hidden(args, ran.stdout.clone()) {
        Value::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
        other => other.as_str().unwrap_or_default().to_owned(),
    };
    Err(CallError::Failed(output))
}

fn shell(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let python_shell = args.get("python_shell").is_null() || args.bool("python_shell");
    let ran = execute(ctx, &Job { python_shell: Some(python_shell), ..job(args, true) })?;
    raise(args, &ran)?;
    Ok(unless_hidden(args, ran.stdout))
}

fn run_stdout(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let ran = execute(ctx, &job(args, false))?;
    Ok(unless_hidden(args, ran.stdout))
}

fn run_stderr(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let ran = execute(ctx, &job(args, false))?;
    Ok(unless_hidden(args, ran.stderr))
}

fn run_all(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(execute(ctx, &job(args, false))?.into_map(args).into())
}

fn retcode(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    Ok(execute(ctx, &job(args, true))?.code.into())
}

fn run_bg(ctx: &mut Ctx, args: &Bound) -> Result<Value, CallError> {
    let ran = execute(ctx, &Job { background: true, ..job(args, true) })?;
    Ok(Map::from_iter([("pid", ran.pid)]).into())
}

#[cfg(test)]
mod tests;

//! Programs that renderers need: `gpg` and `python3`. Who renders says how they are run.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Stdio};

/// Runs programs for renderers.
pub trait Programs {
    /// Runs `argv` with `input` on its standard input, to its end.
    ///
    /// # Errors
    /// A message, where it cannot be started.
    fn run(&self, argv: &[&str], input: &[u8]) -> Result<Finished, String>;

    /// Runs `argv` and talks with it: `first` goes in as a line; each line it writes is handed to `answer`, and what
    /// that returns goes in as the next.
    ///
    /// # Errors
    /// A message, where it cannot be started or stops listening.
    fn converse(
        &self,
        argv: &[&str],
        first: &str,
        answer: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Result<Finished, String>;
}

/// How a program ended.
#[derive(Clone, Debug, Default)]
pub struct Finished {
    pub success: bool,
    /// What it wrote; empty after a conversation.
    pub stdout: Vec<u8>,
    pub stderr: String,
}

/// The programs of this host, as children of this process.
#[derive(Clone, Copy, Debug)]
pub struct HostPrograms;

impl Programs for HostPrograms {
    fn run(&self, argv: &[&str], input: &[u8]) -> Result<Finished, String> {
        let mut child = start(argv)?;
        let (stdin, input) = (child.stdin.take(), input.to_vec());
        // On a thread of its own: a program may write before it has read everything.
        let writer =
            std::thread::spawn(move || stdin.is_none_or(|mut stdin| stdin.write_all(&input).is_ok()));
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        let _ = writer.join();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok(Finished { success: output.status.success(), stdout: output.stdout, stderr })
    }

    fn converse(
        &self,
        argv: &[&str],
        first: &str,
        answer: &mut dyn FnMut(&str) -> Option<String>,
    ) -> Result<Finished, String> {
        let mut child = start(argv)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.map(|mut stderr| stderr.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        if let (Some(mut stdin), Some(stdout)) = (stdin, stdout) {
            // A program that ends early says why on stderr; that it does not listen says nothing.
            let mut open = writeln!(stdin, "{first}").is_ok();
            for line in BufReader::new(stdout).lines() {
                let line = line.map_err(|error| error.to_string())?;
                if let Some(next) = answer(&line).filter(|_| open) {
                    open = writeln!(stdin, "{next}").is_ok();
                }
            }
        }
        let success = child.wait().map_err(|error| error.to_string())?.success();
        Ok(Finished { success, stdout: Vec::new(), stderr: reader.join().unwrap_or_default() })
    }
}

fn start(argv: &[&str]) -> Result<Child, String> {
    let (program, args) = argv.split_first().ok_or("no program is named")?;
    Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| format!("{program}: {error}"))
}

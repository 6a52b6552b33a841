//! Programs that renderers need: `gpg` and `python3`. Who renders says how they are run.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::thread::JoinHandle;

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
        let mut talk = Talk::start(argv)?;
        talk.say(first);
        while let Some(line) = talk.hear()? {
            if let Some(next) = answer(&line) {
                talk.say(&next);
            }
        }
        talk.end()
    }
}

/// A program that is spoken with, line by line.
pub struct Talk {
    child: Child,
    /// Closed once it does not listen any more: a program that ends early says why on stderr.
    stdin: Option<ChildStdin>,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: Option<JoinHandle<String>>,
}

impl Talk {
    /// # Errors
    /// The program cannot be started.
    pub fn start(argv: &[&str]) -> Result<Talk, String> {
        let mut child = start(argv)?;
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let reader = std::thread::spawn(move || {
            let mut text = Vec::new();
            let _ = stderr.map(|mut stderr| stderr.read_to_end(&mut text));
            String::from_utf8_lossy(&text).into_owned()
        });
        Ok(Talk { child, stdin, stdout: stdout.map(BufReader::new), stderr: Some(reader) })
    }

    /// Hands it a line.
    pub fn say(&mut self, line: &str) {
        if self.stdin.as_mut().is_some_and(|stdin| writeln!(stdin, "{line}").is_err()) {
            self.stdin = None;
        }
    }

    /// Its next line; `None` where it says no more.
    ///
    /// # Errors
    /// What it says is not text.
    pub fn hear(&mut self) -> Result<Option<String>, String> {
        let Some(stdout) = &mut self.stdout else { return Ok(None) };
        let mut line = String::new();
        let length = stdout.read_line(&mut line).map_err(|error| error.to_string())?;
        Ok((length > 0).then_some(line))
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// It cannot be waited for.
    pub fn end(&mut self) -> Result<Finished, String> {
        (self.stdin, self.stdout) = (None, None);
        let success = self.child.wait().map_err(|error| error.to_string())?.success();
        let stderr = self.stderr.take().and_then(|reader| reader.join().ok()).unwrap_or_default();
        Ok(Finished { success, stdout: Vec::new(), stderr })
    }
}

impl Drop for Talk {
    /// None is left behind.
    fn drop(&mut self) {
        if self.stderr.is_some() {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
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

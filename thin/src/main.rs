//! The thin: started by a controller's shell line, `halite-thin NONCE CALL`.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> ExitCode {
    let args: Vec<String> =
        std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned()).collect();
    // The shell line found us from inside our own directory; functions begin where a login does.
    let home = std::env::var_os("HOME").unwrap_or_default();
    let _ = std::env::set_current_dir(home).or_else(|_| std::env::set_current_dir("/"));
    match &args[..] {
        [nonce, call] => halite_thin::serve(nonce, call),
        [word] if word == halite_thin::LIST_FUNCTIONS => list_functions(),
        _ => {
            let _ = std::io::stderr().write_all(halite_thin::USAGE.as_bytes());
            ExitCode::from(64)
        }
    }
}

fn list_functions() -> ExitCode {
    let mut out = std::io::stdout().lock();
    let mut functions = halite_thin::functions();
    ExitCode::from(u8::from(functions.any(|name| writeln!(out, "{name}").is_err())))
}

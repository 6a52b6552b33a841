//! Has the thin start programs without copying itself.
//!
//! The standard library starts a program in another directory by `posix_spawn` only where it finds this function; a
//! static C library brings it along only where it is asked for. Elsewhere the whole process is forked, which costs a
//! state run more than the program does.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-link-arg-bins=-Wl,-u,posix_spawn_file_actions_addchdir_np");
}

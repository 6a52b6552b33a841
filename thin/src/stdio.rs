//! The three standard streams, rearranged once at the start.

use rustix::io::Errno;
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;

/// The streams as the controller sees them; fds 0 and 1 are then harmless.
pub struct Streams {
    pub from_controller: File,
    pub to_controller: File,
}

/// Takes stdin and stdout away from everyone but the frame loop: fd 0 becomes `/dev/null`, fd 1 a copy of fd 2.
///
/// # Errors
/// What the system says; a closed fd 0 or 1 among them.
pub fn take() -> io::Result<Streams> {
    let from_controller = private_copy(&io::stdin())?;
    let to_controller = private_copy(&io::stdout())?;
    rustix::stdio::dup2_stdout(io::stderr())?;
    match File::open("/dev/null") {
        Ok(null) => rustix::stdio::dup2_stdin(null)?,
        // A root without /dev: an empty pipe reads as nothing, too.
        Err(_) => rustix::stdio::dup2_stdin(rustix::pipe::pipe()?.0)?,
    }
    Ok(Streams { from_controller: from_controller.into(), to_controller: to_controller.into() })
}

fn private_copy(fd: &impl std::os::fd::AsFd) -> Result<OwnedFd, Errno> {
    rustix::io::fcntl_dupfd_cloexec(fd, 3)
}

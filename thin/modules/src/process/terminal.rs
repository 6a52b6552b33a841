//! Terminals for programs that behave otherwise without one.

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, OptionalActions, OutputModes, tcgetattr, tcsetattr};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::OpenOptionsExt;

/// Our end and the program's end of a new terminal: no echo, line ends as they are written.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&ours)?;
    unlockpt(&ours)?;
    let name = std::ffi::OsString::from_vec(ptsname(&ours, Vec::new())?.into_bytes());
    let noctty = rustix::fs::OFlags::NOCTTY.bits().cast_signed();
    let theirs = OpenOptions::new().read(true).write(true).custom_flags(noctty).open(name)?;
    let mut modes = tcgetattr(&theirs)?;
    modes.output_modes.remove(OutputModes::OPOST);
    modes.local_modes.remove(LocalModes::ECHO);
    tcsetattr(&theirs, OptionalActions::Now, &modes)?;
    Ok((ours, theirs.into()))
}

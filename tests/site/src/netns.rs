//! Work inside another network namespace, on a thread of its own.
//!
//! A socket belongs to the namespace of the thread that makes it, for good. So whoever wants a client, a listener
//! or a whole runtime inside the fleet's network starts it here.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;
use std::thread;

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::error::{AtPath, Result, SiteError};

/// Runs `work` on a fresh thread inside the namespace `link` (a `/proc/PID/ns/net` file) and returns its answer.
/// Threads that `work` starts stay in the namespace.
///
/// # Errors
/// [`SiteError::Io`] when the namespace cannot be entered (gone, or no right to), [`SiteError::Program`] when
/// `work` panics.
pub(crate) fn within<T: Send>(link: &Path, work: impl FnOnce() -> T + Send) -> Result<T> {
    let namespace = File::open(link).at(link)?;
    thread::scope(|scope| {
        let inside = scope.spawn(|| {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).at(link)?;
            Ok(work())
        });
        inside.join().unwrap_or_else(|_| {
            Err(SiteError::Program { program: "work in the fleet's network".into(), said: "panicked".into() })
        })
    })
}

//! As whom a program runs.

use crate::accounts::{self, User};
use rustix::process::{Gid, Uid};
use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
use std::io;
use std::process::{Child, Command};

/// User and groups of a process to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub uid: u32,
    pub gid: u32,
    /// Supplementary groups.
    pub groups: Vec<u32>,
}

/// A name nobody here has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    #[error("user '{0}' is not available")]
    NoUser(String),
    #[error("group '{0}' is not available")]
    NoGroup(String),
}

impl Identity {
    /// The identity of `user`, with `group` as primary group where given. `None` where that is who we are.
    ///
    /// # Errors
    /// [`IdentityError`] where a name is unknown.
    pub fn resolve(user: Option<&str>, group: Option<&str>) -> Result<Option<Identity>, IdentityError> {
        let user = user
            .map(|name| accounts::user(name).ok_or_else(|| IdentityError::NoUser(name.to_owned())))
            .transpose()?;
        let group = group
            .map(|name| accounts::group(name).ok_or_else(|| IdentityError::NoGroup(name.to_owned())))
            .transpose()?;
        let ours = rustix::process::geteuid().as_raw();
        if group.is_none() && user.as_ref().is_none_or(|user| user.uid == ours) {
            return Ok(None);
        }
        let gid = group.map(|group| group.gid);
        Ok(Some(match user {
            Some(user) => Identity::of(&user, gid),
            None => Identity { uid: ours, gid: gid.unwrap_or(0), groups: our_groups() },
        }))
    }

    fn of(user: &User, gid: Option<u32>) -> Identity {
        Identity { uid: user.uid, gid: gid.unwrap_or(user.gid), groups: accounts::group_ids_of(user) }
    }

    /// Starts `command` with this identity.
    ///
    /// Linux keeps credentials per thread and a child gets those of the thread that makes it, so a thread that
    /// lives for this one start takes the identity on. The kernel guards its memory meanwhile: a change of
    /// credentials makes a process untraceable.
    pub fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        std::thread::scope(|scope| {
            let spawner = std::thread::Builder::new().spawn_scoped(scope, || {
                self.take_on()?;
                command.spawn()
            })?;
            spawner.join().unwrap_or_else(|_| Err(io::Error::other("the starting thread panicked")))
        })
    }

    fn take_on(&self) -> io::Result<()> {
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        let groups: Vec<Gid> = self.groups.iter().copied().map(Gid::from_raw).collect();
        set_thread_groups(&groups)?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
        Ok(())
    }
}

/// The groups we are in, our primary one among them.
fn our_groups() -> Vec<u32> {
    let primary = rustix::process::getegid();
    let others = rustix::process::getgroups().unwrap_or_default();
    std::iter::once(primary)
        .chain(others.into_iter().filter(|gid| *gid != primary))
        .map(Gid::as_raw)
        .collect()
}

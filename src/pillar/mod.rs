//! Pillar: what each host may know and no other. Compiled here when a host's thin asks, from the trees of
//! `pillar_roots` and the sources of `ext_pillar`; who asks is known from the session, never from what it says.

mod compile;
mod desk;
mod ext;
mod functions;
mod here;
mod local;
mod tree;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod tests;

pub use compile::{Pillar, Settings};
pub use desk::HostDesk;
pub use here::here;

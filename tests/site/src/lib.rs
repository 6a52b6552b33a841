//! The fleet kit: throw-away fleets of real SSH hosts on one Linux machine, for tests, the lab and benchmarks.
//!
//! In: a [`Plan`] that says which hosts and what is odd about them. Out: a running [`Fleet`] with a roster, a
//! known_hosts file and a client key, and ways to act inside it. As root every host has its own mount, PID, UTS,
//! IPC and network namespace and its own root; without root the hosts are plain `sshd` processes on loopback.
//! Nothing here knows the controller or the thin: a fleet is what they meet from outside.
//!
//! ```no_run
//! use halite_site::{Fleet, Host, Plan};
//!
//! let plan = Plan { openssh: 2, minimal: 1, ..Plan::default() }.with(Host::openssh("noexec").noexec_tmp());
//! let fleet = Fleet::up(plan)?;
//! fleet.command("ssh").arg("-F").arg(fleet.ssh_config()).args(["h001", "uptime"]).status()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod files;
mod fleet;
mod host;
mod keeper;
mod keys;
mod layers;
mod loopback;
mod netns;
mod packages;
mod plan;
mod process;
mod proxy;
mod roster;
mod servers;
mod state;

pub use error::{Result, SiteError};
pub use fleet::Fleet;
pub use packages::{ensure_packages, find, install, is_root};
pub use plan::{Flavour, Host, Kind, Mount, Plan, User};
pub use process::Started;
pub use proxy::{DelayProxy, Flow};
pub use servers::{Daemon, GitServer, Kafka, KafkaRecord, MariaDb, Postgres, Prosody, RabbitMq};
pub use state::HostState;

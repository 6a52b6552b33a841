//! Returners: the spool and the workers as a user meets them, each service's requests against what its documentation
//! asks for, and real servers where Debian has them.

mod here;
mod kit;
mod schema;
mod servers;
mod spine;
mod table;

//! Returners: the spool and the workers as a user meets them, each service's requests against what its documentation
//! asks for, and real servers where Debian has them.

mod amqp;
#[cfg(feature = "cassandra")]
mod cassandra;
mod elsewhere;
mod here;
mod hostile;
#[cfg(feature = "kafka")]
mod kafka;
mod kit;
mod liars;
mod mongo;
mod mqtt;
mod odbc;
mod schema;
mod servers;
mod spine;
mod table;
mod tls;
#[cfg(feature = "xmpp")]
mod xmpp;

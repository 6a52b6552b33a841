//! `mongo` as a row of the table. Its documents are tested with the job store it is.

use super::table::Seen;

/// This build has no driver.
#[cfg(not(feature = "mongo"))]
pub async fn seen() -> Seen {
    Seen::default()
}

#[cfg(feature = "mongo")]
#[path = "../../src/jobs/tests/mongo/server.rs"]
#[allow(dead_code)]
mod server;

#[cfg(feature = "mongo")]
pub async fn seen() -> Seen {
    use super::kit::{Bench, Gate};
    use super::table;
    let server = server::Server::start();
    let mut gate = Gate::closed();
    let bench = Bench::new(&format!("mongo.host: 127.0.0.1\nmongo.port: {}", gate.port));
    let read = async || format!("{:?}", server.documents("salt.saltReturns"));
    let up = async || gate.open(server.port).await;
    table::seen("mongo", &bench, table::items("mongo"), None, up, read).await
}

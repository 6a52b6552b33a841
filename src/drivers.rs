//! Drivers that a build may go without: which cargo feature brings one in, and what needs it.
//!
//! A job store, a returner or a pillar without its driver keeps its name and its documentation, and says what to build.

/// A cargo feature, whether this build has it, and the names of the job stores, returners and pillars that need it.
struct Driver(&'static str, bool, &'static [&'static str]);

const DRIVERS: &[Driver] = &[
    Driver("amqp", cfg!(feature = "amqp"), &["amqp"]),
    Driver("cassandra", cfg!(feature = "cassandra"), &["cassandra_cql"]),
    Driver("etcd", cfg!(feature = "etcd"), &["etcd"]),
    Driver("kafka", cfg!(feature = "kafka"), &["kafka"]),
    Driver("mongo", cfg!(feature = "mongo"), &["mongo"]),
    Driver("mqtt", cfg!(feature = "mqtt"), &["mqtt"]),
    Driver("mysql", cfg!(feature = "mysql"), &["mariadb", "mysql"]),
    Driver("nats", cfg!(feature = "nats"), &["nats"]),
    Driver("odbc", cfg!(feature = "odbc"), &["odbc"]),
    Driver("postgres", cfg!(feature = "postgres"), &["pgjsonb", "postgres", "postgres_local_cache"]),
    Driver("redis", cfg!(feature = "redis"), &["redis"]),
    Driver("smtp", cfg!(feature = "smtp"), &["smtp"]),
    Driver("xmpp", cfg!(feature = "xmpp"), &["xmpp"]),
];

/// The feature that `name`, as a job store, returner or pillar, needs and this build does not have.
pub fn missing_for(name: &str) -> Option<&'static str> {
    let missing = DRIVERS.iter().find(|Driver(_, is_built, serves)| !is_built && serves.contains(&name));
    missing.map(|Driver(feature, ..)| *feature)
}

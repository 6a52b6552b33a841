//! The connections to brokers, and which record goes where.

use super::super::net::tls;
use super::super::registry::Returner;
use super::super::{Delivery, DeliveryError, Item, SettingError, Settings};
use async_trait::async_trait;
use rskafka::BackoffConfig;
use rskafka::chrono::DateTime;
use rskafka::client::error::{Error, ProtocolError};
use rskafka::client::partition::{Compression, PartitionClient, UnknownTopicHandling};
use rskafka::client::{Client, ClientBuilder, Credentials, SaslConfig};
use rskafka::record::Record;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;

/// How long the driver tries by itself, shorter than any delivery may take.
const PATIENCE: BackoffConfig = BackoffConfig {
    init_backoff: Duration::from_millis(50),
    max_backoff: Duration::from_secs(1),
    base: 3.0,
    deadline: Some(Duration::from_secs(4)),
};

/// Bytes of one request, well below what brokers take by default; a record by itself may be larger.
const REQUEST_BYTES_MAX: usize = 512 * 1024;

struct Kafka {
    brokers: Vec<String>,
    topic: String,
    tls: Option<Arc<rustls::ClientConfig>>,
    login: Option<SaslConfig>,
    /// Taken out while it is at work: one that was cut off or failed is not used again.
    open: Mutex<Option<Open>>,
}

/// A cluster that answered.
struct Open {
    client: Client,
    /// The numbers of the topic's partitions.
    numbers: Vec<i32>,
    /// The leaders that were written to.
    leaders: BTreeMap<i32, PartitionClient>,
}

pub(super) fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let brokers = settings.list("bootstrap")?;
    if brokers.is_empty() {
        return Err(settings.missing("bootstrap"));
    }
    let with_tls = settings.flag_or("tls", false)?;
    Ok(Box::new(Kafka {
        brokers,
        topic: settings.required("topic")?,
        tls: if with_tls { Some(tls(settings)?) } else { None },
        login: login(settings)?,
        open: Mutex::default(),
    }))
}

fn login(settings: &Settings) -> Result<Option<SaslConfig>, SettingError> {
    let Some(user) = settings.text("user")? else { return Ok(None) };
    let credentials = Credentials::new(user, settings.required_secret("password")?.expose().to_owned());
    match settings.text_or("mechanism", "PLAIN")?.as_str() {
        "PLAIN" => Ok(Some(SaslConfig::Plain(credentials))),
        "SCRAM-SHA-256" => Ok(Some(SaslConfig::ScramSha256(credentials))),
        "SCRAM-SHA-512" => Ok(Some(SaslConfig::ScramSha512(credentials))),
        _ => Err(settings.refused("mechanism", "is none of `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512`")),
    }
}

#[async_trait]
impl Returner for Kafka {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let mut held = self.open.lock().await;
        let mut open = match held.take() {
            Some(open) => open,
            None => self.connect().await?,
        };
        for (number, records) in requests(batch, &open.numbers) {
            open.write(&self.topic, number, records).await.map_err(failed)?;
        }
        *held = Some(open);
        Ok(())
    }
}

impl Kafka {
    async fn connect(&self) -> Result<Open, DeliveryError> {
        let mut builder =
            ClientBuilder::new(self.brokers.clone()).client_id("halite").backoff_config(PATIENCE);
        if let Some(tls) = &self.tls {
            builder = builder.tls_config(tls.clone());
        }
        if let Some(login) = &self.login {
            builder = builder.sasl_config(login.clone());
        }
        let client = builder.build().await.map_err(failed)?;
        let topics = client.list_topics().await.map_err(failed)?;
        let topic = topics.into_iter().find(|topic| topic.name == self.topic);
        let numbers: Vec<i32> = topic.into_iter().flat_map(|topic| topic.partitions).collect();
        if numbers.is_empty() {
            return Err(DeliveryError::retry(format!("there is no topic {:?}", self.topic)));
        }
        Ok(Open { client, numbers, leaders: BTreeMap::new() })
    }
}

impl Open {
    async fn write(&mut self, topic: &str, number: i32, records: Vec<Record>) -> Result<(), Error> {
        if !self.leaders.contains_key(&number) {
            let leader = self.client.partition_client(topic, number, UnknownTopicHandling::Error).await?;
            self.leaders.insert(number, leader);
        }
        match self.leaders.get(&number) {
            Some(leader) => leader.produce(records, Compression::NoCompression).await.map(|_| ()),
            None => Ok(()),
        }
    }
}

/// The batch as requests: for each partition its records, not too many at once.
fn requests(batch: &[Delivery], numbers: &[i32]) -> Vec<(i32, Vec<Record>)> {
    let mut requests: Vec<(i32, Vec<Record>)> = Vec::new();
    for delivery in batch {
        let (number, record) = (number_of(&delivery.item, numbers), record(&delivery.item));
        let has_room = |records: &[Record]| {
            let bytes: usize = records.iter().map(Record::approximate_size).sum();
            bytes + record.approximate_size() <= REQUEST_BYTES_MAX
        };
        match requests.iter_mut().rfind(|(other, _)| *other == number) {
            Some((_, records)) if has_room(records) => records.push(record),
            _ => requests.push((number, vec![record])),
        }
    }
    requests
}

fn key(item: &Item) -> String {
    let (jid, second) = item.key();
    format!("{jid}/{second}")
}

/// The partition that the drivers of most languages take for this key, too: by its CRC-32.
fn number_of(item: &Item, numbers: &[i32]) -> i32 {
    let mut sum = flate2::Crc::new();
    sum.update(key(item).as_bytes());
    numbers[sum.sum() as usize % numbers.len()]
}

fn record(item: &Item) -> Record {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Record {
        key: Some(key(item).into_bytes()),
        value: Some(item.to_json().into_bytes()),
        headers: BTreeMap::new(),
        timestamp: DateTime::from_timestamp(now.as_secs().cast_signed(), now.subsec_nanos())
            .unwrap_or_default(),
    }
}

fn failed(error: Error) -> DeliveryError {
    match &error {
        Error::ServerError {
            protocol_error:
                problem @ (ProtocolError::MessageTooLarge
                | ProtocolError::RecordListTooLarge
                | ProtocolError::InvalidRecord),
            ..
        } => DeliveryError::dead(problem),
        Error::ServerError { protocol_error, .. } => DeliveryError::retry(protocol_error),
        _ => DeliveryError::retry(error),
    }
}

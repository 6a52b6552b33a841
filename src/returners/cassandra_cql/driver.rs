//! The line to a server: who we are, requests out, their answers in. Requests and answers are the driver library's.

use super::super::net::{Line, Place, tls_trusting};
use super::super::registry::Returner;
use super::super::{Delivery, DeliveryError, SettingError, Settings};
use super::rows;
use async_trait::async_trait;
use halite_roster::Secret;
use halite_wire::Value;
use scylla_cql::frame::protocol_features::ProtocolFeatures;
use scylla_cql::frame::request::options::CQL_VERSION;
use scylla_cql::frame::request::{AuthResponse, Query, SerializableRequest, Startup};
use scylla_cql::frame::response::{self, ResponseOpcode};
use scylla_cql::frame::{
    ResponseBodyWithExtensions, SerializedRequest, parse_response_body_extensions, read_response_frame,
};
use std::collections::HashMap;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, BufWriter};
use tokio::sync::Mutex;

/// Answers to what we say are short.
const ANSWER_BYTES_MAX: u32 = 1 << 20;

/// What a frame, and so all of a statement, can be long.
const REQUEST_BYTES_MAX: usize = 256 << 20;

struct Cassandra {
    places: Vec<Place>,
    user: String,
    password: Secret,
    /// `id` of the configuration: whom events are from.
    master: String,
    /// Taken out while it is at work: one that was cut off or failed is not used again.
    line: Mutex<Option<Box<dyn Line>>>,
}

pub(super) fn open(settings: &Settings) -> Result<Box<dyn Returner>, SettingError> {
    let hosts = settings.list("cluster")?;
    if hosts.is_empty() {
        return Err(settings.missing("cluster"));
    }
    let tls = match settings.raw("ssl_options") {
        None => None,
        Some(Value::Map(options)) => {
            Some(tls_trusting(settings, "ssl_options", options.get_str("ca_certs").map(str::to_owned))?)
        }
        Some(_) => return Err(settings.refused("ssl_options", "is not a dict")),
    };
    let port = settings.port_or("port", 9042)?;
    Ok(Box::new(Cassandra {
        places: hosts.into_iter().map(|host| Place::new(host, port, tls.clone())).collect(),
        user: settings.text_or("username", "cassandra")?,
        password: settings.secret("password")?.unwrap_or_else(|| Secret::new("cassandra".to_owned())),
        master: settings.of_config("id").and_then(Value::as_str).unwrap_or("master").to_owned(),
        line: Mutex::default(),
    }))
}

#[async_trait]
impl Returner for Cassandra {
    async fn deliver(&self, batch: &[Delivery]) -> Result<(), DeliveryError> {
        let mut held = self.line.lock().await;
        let mut line = match held.take() {
            Some(line) => line,
            None => self.connect().await?,
        };
        let mut queries = Vec::new();
        for delivery in batch {
            queries.extend(rows::queries(&delivery.item, &self.master)?);
        }
        run(&mut *line, &queries).await?;
        *held = Some(line);
        Ok(())
    }
}

impl Cassandra {
    /// A line to the first server that takes us.
    async fn connect(&self) -> Result<Box<dyn Line>, DeliveryError> {
        let mut failure = None;
        for place in &self.places {
            match self.log_in(place).await {
                Ok(line) => return Ok(line),
                Err(error) => failure = Some(error),
            }
        }
        Err(failure.unwrap_or_else(|| DeliveryError::retry("there are no servers")))
    }

    async fn log_in(&self, place: &Place) -> Result<Box<dyn Line>, DeliveryError> {
        let mut line = place.connect().await?;
        log_in(&mut *line, &self.user, &self.password).await?;
        Ok(line)
    }
}

/// Tells a fresh line who we are.
///
/// # Errors
/// The server refuses us, or does not speak this version.
pub(super) async fn log_in(line: &mut dyn Line, user: &str, password: &Secret) -> Result<(), DeliveryError> {
    let options = HashMap::from([(CQL_VERSION.into(), "3.0.0".into())]);
    let mut answer = ask(line, &Startup { options }).await?;
    if answer.opcode == ResponseOpcode::Authenticate {
        // Both after a NUL, as SASL's PLAIN has them.
        let words = [&b"\0"[..], user.as_bytes(), b"\0", password.expose().as_bytes()].concat();
        answer = ask(line, &AuthResponse { response: Some(words) }).await?;
    }
    match answer.opcode {
        ResponseOpcode::Ready | ResponseOpcode::AuthSuccess => Ok(()),
        _ => Err(answer.unexpected()),
    }
}

async fn ask(line: &mut dyn Line, request: &impl SerializableRequest) -> Result<Answer, DeliveryError> {
    line.write_all(frame(request, 0)?.get_data()).await.map_err(DeliveryError::retry)?;
    read(line).await
}

/// Runs the queries, all at once, and waits for each; the answers come in any order.
///
/// # Errors
/// The first that failed; others may have been done.
pub(super) async fn run(line: &mut dyn Line, queries: &[Query<'_>]) -> Result<(), DeliveryError> {
    let frames = (0..).zip(queries).map(|(number, query)| frame(query, number));
    let frames: Vec<SerializedRequest> = frames.collect::<Result<_, _>>()?;
    let (mut from, to) = tokio::io::split(line);
    // The server answers while we still send: both ends must be served.
    let sending = async {
        let mut to = BufWriter::new(to);
        for frame in &frames {
            to.write_all(frame.get_data()).await.map_err(DeliveryError::retry)?;
        }
        to.flush().await.map_err(DeliveryError::retry)
    };
    let answers = async {
        for _ in queries {
            let answer = read(&mut from).await?;
            if answer.opcode != ResponseOpcode::Result {
                return Err(answer.unexpected());
            }
        }
        Ok(())
    };
    tokio::try_join!(sending, answers).map(|_| ())
}

/// The request with this number.
fn frame(request: &impl SerializableRequest, number: i16) -> Result<SerializedRequest, DeliveryError> {
    let mut frame = SerializedRequest::make(request, None, false).map_err(DeliveryError::dead)?;
    let length = frame.get_data().len();
    if length > REQUEST_BYTES_MAX {
        return Err(DeliveryError::dead(format!("{length} bytes are too many for one statement")));
    }
    frame.set_stream(number);
    Ok(frame)
}

/// An answer, still in its bytes. Results say nothing to us and are not read: the library would follow types within types
/// of a hostile one to the end of the stack.
struct Answer {
    opcode: ResponseOpcode,
    content: ResponseBodyWithExtensions,
}

impl Answer {
    /// Why this is not what we hoped for. All but too much data may be another matter later.
    fn unexpected(&self) -> DeliveryError {
        if self.opcode != ResponseOpcode::Error {
            return DeliveryError::retry(format!("the server answered {:?}", self.opcode));
        }
        let features = ProtocolFeatures::default();
        match response::Error::deserialize(&features, &mut &*self.content.body) {
            Ok(error) if error.reason.contains("too large") => DeliveryError::dead(error.reason),
            Ok(response::Error { error, reason }) => {
                DeliveryError::retry(format!("error {:#06x}: {reason}", error.code(&features)))
            }
            Err(error) => DeliveryError::retry(error),
        }
    }
}

/// The next answer. Its length is looked at before the library sees it, which takes that much memory at once.
async fn read(line: &mut (impl AsyncRead + Unpin + ?Sized)) -> Result<Answer, DeliveryError> {
    let mut head = [0; 9];
    line.read_exact(&mut head).await.map_err(DeliveryError::retry)?;
    let [.., a, b, c, d] = head;
    let length = u32::from_be_bytes([a, b, c, d]);
    if length > ANSWER_BYTES_MAX {
        return Err(DeliveryError::retry(format!("the server sent a frame of {length} bytes")));
    }
    let mut whole = head.chain(line);
    let (frame, opcode, body) = read_response_frame(&mut whole).await.map_err(DeliveryError::retry)?;
    let content = parse_response_body_extensions(frame.flags, None, body).map_err(DeliveryError::retry)?;
    Ok(Answer { opcode, content })
}

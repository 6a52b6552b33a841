//! Every limit of a session, in one place; but for the keepalive, which is the roster's.

use std::time::Duration;

/// How long each stretch of a host's turn may take. All are absolute: trickling bytes extend none of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Name look-up and TCP, together.
    pub connect: Duration,
    /// Identification and key exchange.
    pub host_key: Duration,
    pub auth: Duration,
    /// From the channel request to the thin's greeting, a push not counted.
    pub bootstrap: Duration,
    /// A push must bring [`PUSH_BYTES_PER_STALL`] within each such stretch.
    pub push_stall: Duration,
    /// The call itself; `None` lets it run as long as its host answers keepalives.
    pub call: Option<Duration>,
    /// What a host gets to end by itself once the run is stopped.
    pub stop_grace: Duration,
    /// A longer return is cut, and the host's record says so.
    pub return_bytes: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(10),
            host_key: Duration::from_secs(15),
            auth: Duration::from_secs(15),
            bootstrap: Duration::from_secs(15),
            push_stall: Duration::from_secs(30),
            call: None,
            stop_grace: Duration::from_secs(5),
            return_bytes: 64 << 20,
        }
    }
}

impl Limits {
    /// The user's `--timeout`: the call's limit, and no stretch before it takes longer either.
    pub fn with_timeout(self, timeout: Option<Duration>) -> Limits {
        let Some(most) = timeout else { return self };
        Limits {
            connect: self.connect.min(most),
            host_key: self.host_key.min(most),
            auth: self.auth.min(most),
            bootstrap: self.bootstrap.min(most),
            call: Some(most),
            ..self
        }
    }
}

/// 16 KiB/s over half a minute: the slowest push that still counts as one.
pub const PUSH_BYTES_PER_STALL: u64 = 30 * (16 << 10);

/// SSH window of a channel: what a host may send before we have read it.
pub const WINDOW_BYTES: u32 = 256 << 10;

/// Largest SSH packet we take.
pub const PACKET_BYTES: u32 = 32 << 10;

/// Messages of one channel that may wait unread: with the packet size, 256 KiB.
pub const CHANNEL_MESSAGES: usize = 8;

/// What we keep of the SSH banner and of stderr for messages; the rest is counted and dropped.
pub const KEPT_TEXT_BYTES: usize = 64 << 10;

/// A session of a function that writes more than this to stderr is ended; of a plain command the rest is cut.
pub const STDERR_BYTES_MAX: u64 = 4 << 20;

/// Kept of a return that is too long: its first and its last bytes.
pub const CUT_RETURN_BYTES: usize = 64 << 10;

/// Returns above this are put aside in a file until they are whole.
pub const RETURN_BYTES_IN_MEMORY: usize = 256 << 10;

/// Kept of the states a host reports as finished, for the record of a run that is cut off: what is longer is counted
/// only. Above [`RETURN_BYTES_IN_MEMORY`] it lies in a file, as returns do.
pub const STEPS_BYTES_MAX: u64 = 16 << 20;

/// States that run at the same time on one host, of which the names are kept.
pub const RUNNING_STATES_MAX: usize = 256;

/// A step or an event of a host that is passed on; a longer one is dropped.
pub const NEWS_BYTES_MAX: usize = 64 << 10;

/// All that one host has passed on during one call.
pub const ALL_NEWS_BYTES_MAX: usize = 8 << 20;

/// Shell line with a call in it: dropbear takes 9,000 bytes, and there is the script.
pub const COMMAND_BYTES_MAX: usize = 8_000;

/// A longer call waits for the greeting: where the thin is absent a shell reads it byte by byte.
pub const BLIND_CALL_BYTES_MAX: usize = 32 << 10;

/// Keys offered to one host. OpenSSH closes the line after six failures.
pub const AUTH_TRIES_MAX: usize = 6;

/// Rounds of keyboard-interactive questions.
pub const AUTH_ROUNDS_MAX: usize = 10;

/// Turns at reaching a host that drops us before it knows who we are (`MaxStartups`, a restart).
pub const CONNECT_TRIES_MAX: u32 = 3;

/// Head start of each address over the next (RFC 8305).
pub const NEXT_ADDRESS_AFTER: Duration = Duration::from_millis(250);

/// How long our last words to a host may take: where it reads nothing any more, what was said before them still waits.
pub const LAST_WORDS: Duration = Duration::from_secs(1);

/// A plain command that has ended may have left a daemon that keeps its output open: how long nothing must come
/// before that counts as the end of the output.
pub const LEFT_OPEN_GRACE: Duration = Duration::from_secs(3);

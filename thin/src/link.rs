//! The two directions of the line to the controller.

use halite_modules::{Link, LinkError};
use halite_wire::Value;
use halite_wire::frame::{self, FrameError, HEADER_BYTES};
use halite_wire::message::{Answer, Ask, FromThin, ToThin};
use std::io::{self, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

/// Answers that may wait unread: parts of one file, so a megabyte each at most.
const ANSWERS_WAITING_MAX: usize = 4;

/// Writes frames, in order, from any thread.
#[derive(Clone)]
pub struct FrameWriter(Arc<Mutex<Sink>>);

struct Sink {
    out: Box<dyn Write + Send>,
    seq: u32,
}

impl FrameWriter {
    pub fn new(out: impl Write + Send + 'static) -> FrameWriter {
        FrameWriter(Arc::new(Mutex::new(Sink { out: Box::new(out), seq: 0 })))
    }

    /// Writes bytes that are no frame: the greeting.
    ///
    /// # Errors
    /// The controller is gone.
    pub fn raw(&self, bytes: &[u8]) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).out.write_all(bytes)
    }

    /// Writes `messages` back to back in one go.
    ///
    /// # Errors
    /// The controller is gone, or a message cannot be encoded.
    pub fn send(&self, messages: &[FromThin]) -> io::Result<()> {
        let mut sink = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = Vec::new();
        for message in messages {
            let (kind, body) = message.encode().map_err(io::Error::other)?;
            frame::encode(kind, sink.seq, &body, &mut bytes).map_err(io::Error::other)?;
            sink.seq = sink.seq.wrapping_add(1);
        }
        sink.out.write_all(&bytes)?;
        sink.out.flush()
    }
}

/// Frames from the controller, read one by one.
pub struct FrameReader<R> {
    input: R,
    seq: u32,
}

impl<R: Read> FrameReader<R> {
    pub fn new(input: R) -> FrameReader<R> {
        FrameReader { input, seq: 0 }
    }

    /// The line a call travels on when it does not fit the command line, without its end.
    /// Read byte by byte: what follows are frames.
    ///
    /// # Errors
    /// The controller is gone.
    pub fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        let mut byte = [0];
        loop {
            self.input.read_exact(&mut byte)?;
            if byte == *b"\n" {
                return Ok(line);
            }
            line.extend_from_slice(&byte);
        }
    }

    /// The next message.
    ///
    /// # Errors
    /// The controller is gone, or does not speak our protocol.
    pub fn next(&mut self) -> io::Result<ToThin> {
        let mut bytes = vec![0; HEADER_BYTES];
        self.input.read_exact(&mut bytes)?;
        if let Err(FrameError::Short { need }) = frame::decode(&bytes, self.seq) {
            bytes.resize(need, 0);
            self.input.read_exact(&mut bytes[HEADER_BYTES..])?;
        }
        let (frame, _) = frame::decode(&bytes, self.seq).map_err(io::Error::other)?;
        self.seq = self.seq.wrapping_add(1);
        ToThin::decode(frame.kind, frame.body).map_err(io::Error::other)
    }
}

/// What functions ask through; answers come from the reader thread.
pub struct ControllerLink {
    out: FrameWriter,
    answers: Receiver<(u32, Answer, bool)>,
    asked: u32,
}

impl ControllerLink {
    /// The link, and where the reader thread puts answers.
    pub fn new(out: FrameWriter) -> (ControllerLink, SyncSender<(u32, Answer, bool)>) {
        let (sender, answers) = sync_channel(ANSWERS_WAITING_MAX);
        (ControllerLink { out, answers, asked: 0 }, sender)
    }

    fn next(&mut self) -> u32 {
        self.asked += 1;
        self.asked
    }

    /// The answer to the ask with this number.
    fn hear(
        &mut self,
        ask: u32,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        let mut failure = None;
        loop {
            let (number, part, last) = self.answers.recv().map_err(|_| LinkError::Closed)?;
            if number != ask {
                continue;
            }
            if let Answer::Refused(why) = part {
                return Err(LinkError::Refused(why));
            }
            // After a failure of ours the rest is read and dropped, so that the next ask finds a clean line.
            if failure.is_none() {
                failure = on_part(part).err();
            }
            if last {
                return failure.map_or(Ok(()), |why| Err(LinkError::Local(why)));
            }
        }
    }
}

impl Link for ControllerLink {
    fn ask(
        &mut self,
        what: Ask,
        on_part: &mut dyn FnMut(Answer) -> Result<(), String>,
    ) -> Result<(), LinkError> {
        let ask = self.next();
        self.out.send(&[FromThin::Ask { ask, what }]).map_err(|_| LinkError::Closed)?;
        self.hear(ask, on_part)
    }

    fn ask_all(
        &mut self,
        asks: Vec<Ask>,
        on_part: &mut dyn FnMut(usize, Answer) -> Result<(), String>,
    ) -> Vec<Result<(), LinkError>> {
        let first = self.asked + 1;
        let messages: Vec<FromThin> =
            asks.into_iter().map(|what| FromThin::Ask { ask: self.next(), what }).collect();
        if self.out.send(&messages).is_err() {
            return messages.iter().map(|_| Err(LinkError::Closed)).collect();
        }
        // Answers come in the order of the asks.
        let numbers = (first..=self.asked).enumerate();
        numbers.map(|(index, ask)| self.hear(ask, &mut |part| on_part(index, part))).collect()
    }

    fn progress(&mut self, step: Value) {
        let _ = self.out.send(&[FromThin::Progress(step)]);
    }

    fn log(&mut self, line: &str) {
        let line = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = self.out.send(&[FromThin::Log(line)]);
    }
}

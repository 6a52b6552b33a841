//! The two directions of the line to the controller.

use halite_modules::{Link, LinkError};
use halite_wire::Value;
use halite_wire::frame::{self, FrameError, HEADER_BYTES};
use halite_wire::message::{Answer, Ask, FromThin, ToThin};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Answers that may wait unread: parts of one file, so a megabyte each at most.
const ANSWERS_WAITING_MAX: usize = 4;

/// How long news of a step that changed nothing may wait for company: each packet costs both ends more than the news.
const HELD_FOR: Duration = Duration::from_millis(20);

/// What is held goes out at once when it is more than this.
const HELD_BYTES_MAX: usize = 64 << 10;

/// Writes frames, in order, from any thread.
#[derive(Clone)]
pub struct FrameWriter(Arc<Mutex<Sink>>);

struct Sink {
    out: Box<dyn Write + Send>,
    seq: u32,
    /// Frames that are not written yet.
    held: Vec<u8>,
    /// A thread waits to write them.
    is_watched: bool,
}

impl Sink {
    fn hold(&mut self, message: &FromThin) -> io::Result<()> {
        let (kind, body) = message.encode().map_err(io::Error::other)?;
        frame::encode(kind, self.seq, &body, &mut self.held).map_err(io::Error::other)?;
        self.seq = self.seq.wrapping_add(1);
        Ok(())
    }

    fn release(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.held);
        self.out.write_all(&bytes)?;
        self.out.flush()
    }
}

impl FrameWriter {
    pub fn new(out: impl Write + Send + 'static) -> FrameWriter {
        FrameWriter(Arc::new(Mutex::new(Sink {
            out: Box::new(out),
            seq: 0,
            held: Vec::new(),
            is_watched: false,
        })))
    }

    fn sink(&self) -> MutexGuard<'_, Sink> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts bytes that are no frame, the greeting, before the next message: each write is a packet for sshd to seal.
    pub fn greet(&self, bytes: &[u8]) {
        self.sink().held.extend_from_slice(bytes);
    }

    /// Writes `messages` back to back in one go, behind what was held.
    ///
    /// # Errors
    /// The controller is gone, or a message cannot be encoded.
    pub fn send(&self, messages: &[FromThin]) -> io::Result<()> {
        let mut sink = self.sink();
        messages.iter().try_for_each(|message| sink.hold(message))?;
        sink.release()
    }

    /// Writes a message with the next ones, [`HELD_FOR`] later at most.
    ///
    /// # Errors
    /// As [`FrameWriter::send`].
    pub fn send_soon(&self, message: &FromThin) -> io::Result<()> {
        let mut sink = self.sink();
        sink.hold(message)?;
        if sink.held.len() > HELD_BYTES_MAX {
            return sink.release();
        }
        if sink.is_watched {
            return Ok(());
        }
        let later = self.clone();
        let wait = move || {
            std::thread::sleep(HELD_FOR);
            let mut sink = later.sink();
            sink.is_watched = false;
            // Whoever is gone hears nothing; the next message finds out.
            let _ = sink.release();
        };
        sink.is_watched = std::thread::Builder::new().spawn(wait).is_ok();
        // Where no thread can be had, nothing is held.
        if sink.is_watched { Ok(()) } else { sink.release() }
    }
}

/// Frames from the controller, read one by one.
pub struct FrameReader<R> {
    input: BufReader<R>,
    seq: u32,
}

impl<R: Read> FrameReader<R> {
    pub fn new(input: R) -> FrameReader<R> {
        FrameReader { input: BufReader::new(input), seq: 0 }
    }

    /// The line a call travels on when it does not fit the command line, without its end. What follows are frames.
    ///
    /// # Errors
    /// The controller is gone.
    pub fn line(&mut self) -> io::Result<Vec<u8>> {
        let mut line = Vec::new();
        self.input.read_until(b'\n', &mut line)?;
        if line.pop() == Some(b'\n') { Ok(line) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    /// The next message.
    ///
    /// # Errors
    /// The controller is gone, or does not speak our protocol.
    pub fn next(&mut self) -> io::Result<ToThin> {
        let mut bytes = vec![0; HEADER_BYTES];
        self.input.read_exact(&mut bytes)?;
        if let Err(FrameError::Short { need }) = frame::decode(&bytes, self.seq) {
            let header = std::mem::replace(&mut bytes, vec![0; need]);
            bytes[..HEADER_BYTES].copy_from_slice(&header);
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

    fn progress_soon(&mut self, step: Value) {
        let _ = self.out.send_soon(&FromThin::Progress(step));
    }

    fn flush(&mut self) {
        let _ = self.out.send(&[]);
    }

    fn log(&mut self, line: &str) {
        let line = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = self.out.send(&[FromThin::Log(line)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use halite_wire::frame::decode;
    use std::sync::mpsc::{Sender, channel};

    /// Every write as one item.
    struct Writes(Sender<Vec<u8>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn step(number: i64) -> FromThin {
        FromThin::Progress(number.into())
    }

    /// Frames of a write, which begins with number `first`.
    fn frames(mut bytes: &[u8], first: u32) -> Vec<FromThin> {
        let mut frames = Vec::new();
        for seq in first.. {
            if bytes.is_empty() {
                break;
            }
            let (frame, length) = decode(bytes, seq).unwrap();
            frames.push(FromThin::decode(frame.kind, frame.body).unwrap());
            bytes = &bytes[length..];
        }
        frames
    }

    #[test]
    fn steps_that_may_wait_go_out_with_the_next_message_in_their_order() {
        let (sender, writes) = channel();
        let out = FrameWriter::new(Writes(sender));
        out.send_soon(&step(1)).unwrap();
        out.send_soon(&step(2)).unwrap();
        out.send(&[step(3)]).unwrap();
        assert_eq!(frames(&writes.recv().unwrap(), 0), [step(1), step(2), step(3)]);
    }

    #[test]
    fn a_step_waits_no_longer_than_a_moment() {
        let (sender, writes) = channel();
        let out = FrameWriter::new(Writes(sender));
        for number in 0..2 {
            out.send_soon(&step(number)).unwrap();
            let write = writes.recv_timeout(Duration::from_secs(5)).unwrap();
            assert_eq!(frames(&write, number as u32), [step(number)]);
        }
    }

    #[test]
    fn a_flush_sends_what_waits_and_nothing_else() {
        let (sender, writes) = channel();
        let (mut link, _) = ControllerLink::new(FrameWriter::new(Writes(sender)));
        link.flush();
        link.progress_soon(1.into());
        link.flush();
        assert_eq!(frames(&writes.recv().unwrap(), 0), [step(1)]);
        assert!(writes.try_recv().is_err());
    }

    #[test]
    fn a_call_on_a_line_leaves_the_frames_behind_it() {
        let mut bytes = b"the call\n".to_vec();
        let answer = ToThin::Answer { ask: 1, part: Answer::Bytes(vec![7; 100_000]), last: true };
        let (kind, body) = answer.encode().unwrap();
        frame::encode(kind, 0, &body, &mut bytes).unwrap();
        let mut reader = FrameReader::new(&bytes[..]);
        assert_eq!(reader.line().unwrap(), b"the call");
        assert_eq!(reader.next().unwrap(), answer);
        assert!(reader.next().is_err(), "the line has ended");
    }
}

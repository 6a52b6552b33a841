//! The server that follows a script.

use crate::script::{Act, Auth, Exec, Script};
use halite_wire::frame::{self, MAGIC, Nonce};
use halite_wire::message::{FromThin, Return};
use russh::keys::PrivateKey;
use russh::server::{self, Msg, Session};
use russh::{Channel, ChannelId, Sig};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// Where the shells of a host find programs, behind those of its home.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// A host on a loopback port. It is gone when dropped, with the processes it started.
pub struct FakeHost {
    pub addr: SocketAddr,
    /// Its public host key, in the form of `known_hosts`.
    pub key: String,
    /// Everything clients have sent: commands, stdin, passwords.
    pub heard: Arc<Mutex<Vec<u8>>>,
    /// The command lines among it.
    pub commands: Arc<Mutex<Vec<String>>>,
    /// TCP connections so far.
    pub connections: Arc<AtomicU32>,
    /// The home of the shells it runs; the thin lies here when the roster says so. Its `local` is
    /// first on their path.
    pub home: PathBuf,
    accepting: JoinHandle<()>,
}

impl FakeHost {
    /// Starts it with a fresh key.
    pub async fn start(script: Script) -> FakeHost {
        FakeHost::with_key(script, fresh_key()).await
    }

    /// Starts it with this host key.
    pub async fn with_key(script: Script, key: PrivateKey) -> FakeHost {
        FakeHost::bind(script, key, Ipv4Addr::LOCALHOST).await
    }

    /// Starts it on another address of the loopback range.
    pub async fn at(script: Script, address: Ipv4Addr) -> FakeHost {
        FakeHost::bind(script, fresh_key(), address).await
    }

    async fn bind(script: Script, key: PrivateKey, address: Ipv4Addr) -> FakeHost {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let home = std::env::temp_dir().join(format!("halite-fake-{}-{count}", std::process::id()));
        std::fs::create_dir_all(&home).unwrap();
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let public = key.public_key().to_openssh().unwrap();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let commands = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicU32::new(0));
        let config = Arc::new(server::Config {
            keys: vec![key],
            auth_rejection_time: std::time::Duration::ZERO,
            auth_rejection_time_initial: Some(std::time::Duration::ZERO),
            max_auth_attempts: 1000,
            nodelay: true,
            ..server::Config::default()
        });
        let template = Client {
            script,
            heard: heard.clone(),
            commands: commands.clone(),
            home: home.clone(),
            stdin: None,
            nonce: None,
            terminal: false,
        };
        let counter = connections.clone();
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::Relaxed);
                let (config, client) = (config.clone(), template.clone());
                tokio::spawn(async move {
                    if let Ok(session) = server::run_stream(config, stream, client).await {
                        let _ = session.await;
                    }
                });
            }
        });
        FakeHost { addr, key: public, heard, commands, connections, home, accepting }
    }

    /// Whether clients have sent `text` in any form we saw.
    pub fn heard(&self, text: &str) -> bool {
        self.heard.lock().unwrap().windows(text.len()).any(|window| window == text.as_bytes())
    }
}

impl Drop for FakeHost {
    fn drop(&mut self) {
        self.accepting.abort();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}

/// A new ed25519 key.
pub fn fresh_key() -> PrivateKey {
    PrivateKey::random(&mut russh::keys::key::safe_rng(), russh::keys::Algorithm::Ed25519).unwrap()
}

#[derive(Clone)]
struct Client {
    script: Script,
    heard: Arc<Mutex<Vec<u8>>>,
    commands: Arc<Mutex<Vec<String>>>,
    home: PathBuf,
    stdin: Option<mpsc::UnboundedSender<Vec<u8>>>,
    nonce: Option<Nonce>,
    terminal: bool,
}

impl Client {
    fn hears(&self, bytes: &[u8]) {
        let mut heard = self.heard.lock().unwrap();
        heard.extend_from_slice(bytes);
        heard.push(b'\n');
    }

    async fn judge(&self, password: Option<&str>) -> server::Auth {
        match &self.script.auth {
            Auth::Anybody => server::Auth::Accept,
            Auth::Password(right) if password == Some(right) => server::Auth::Accept,
            Auth::Hang => std::future::pending().await,
            Auth::Nobody | Auth::Password(_) | Auth::QuestionsForEver => server::Auth::reject(),
        }
    }
}

impl server::Handler for Client {
    type Error = russh::Error;

    async fn auth_publickey(
        &mut self,
        _: &str,
        _: server::VerifiedPublicKey<'_>,
    ) -> Result<server::Auth, Self::Error> {
        Ok(self.judge(None).await)
    }

    async fn auth_password(&mut self, _: &str, password: &str) -> Result<server::Auth, Self::Error> {
        self.hears(password.as_bytes());
        Ok(self.judge(Some(password)).await)
    }

    async fn auth_keyboard_interactive<'a>(
        &'a mut self,
        _: &str,
        _: &str,
        response: Option<server::Response<'a>>,
    ) -> Result<server::Auth, Self::Error> {
        for answer in response.into_iter().flatten() {
            self.hears(&answer);
        }
        if matches!(self.script.auth, Auth::QuestionsForEver) {
            let prompts = vec![("Password: ".into(), false)].into();
            return Ok(server::Auth::Partial { name: "".into(), instructions: "".into(), prompts });
        }
        Ok(self.judge(None).await)
    }

    async fn authentication_banner(&mut self) -> Result<Option<String>, Self::Error> {
        Ok(self.script.banner.clone())
    }

    async fn channel_open_session(
        &mut self,
        _: Channel<Msg>,
        reply: server::ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if self.script.hang_on_open {
            tokio::spawn(async move {
                let _held = reply;
                std::future::pending::<()>().await;
            });
        } else {
            reply.accept().await;
        }
        Ok(())
    }

    async fn data(&mut self, _: ChannelId, data: &[u8], _: &mut Session) -> Result<(), Self::Error> {
        self.hears(data);
        if let Some(stdin) = &self.stdin {
            let _ = stdin.send(data.to_vec());
        }
        Ok(())
    }

    async fn channel_eof(&mut self, _: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.stdin = None;
        Ok(())
    }

    async fn channel_close(&mut self, _: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.stdin = None;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        _: ChannelId,
        _: &str,
        _: u32,
        _: u32,
        _: u32,
        _: u32,
        _: &[(russh::Pty, u32)],
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.terminal = true;
        Ok(())
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        data: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.hears(data);
        let command = String::from_utf8_lossy(data).into_owned();
        self.commands.lock().unwrap().push(command.clone());
        self.nonce =
            command.rsplit("' sh ").next().and_then(|words| Nonce::from_hex(words.split(' ').nth(1)?));
        let (sender, stdin) = mpsc::unbounded_channel();
        self.stdin = Some(sender);
        let far = Far {
            id,
            line: session.handle(),
            nonce: self.nonce,
            seq: 0,
            home: self.home.clone(),
            terminal: self.terminal,
        };
        tokio::spawn(far.execute(self.script.exec.clone(), command, stdin));
        Ok(())
    }
}

/// The far end of one command.
struct Far {
    id: ChannelId,
    line: server::Handle,
    nonce: Option<Nonce>,
    seq: u32,
    home: PathBuf,
    /// Programs are told that they have one; they get pipes all the same.
    terminal: bool,
}

impl Far {
    async fn execute(mut self, exec: Exec, command: String, stdin: mpsc::UnboundedReceiver<Vec<u8>>) {
        let shell = || vec!["/bin/sh".to_owned(), "-c".to_owned()];
        match exec {
            Exec::Shell => self.run(shell(), command, stdin).await,
            Exec::Program(program) => self.run(program, command, stdin).await,
            Exec::Acts(acts) => {
                self.act(acts).await;
            }
            Exec::ActsThenShell(acts) => {
                if self.act(acts).await {
                    self.run(shell(), command, stdin).await;
                }
            }
        }
    }

    /// Whether the line is still there for more.
    async fn act(&mut self, acts: Vec<Act>) -> bool {
        for act in acts {
            if !self.one(act).await {
                return false;
            }
        }
        true
    }

    async fn one(&mut self, act: Act) -> bool {
        match act {
            Act::Stdout(bytes) => self.line.data(self.id, bytes).await.is_ok(),
            Act::Stderr(bytes) => self.line.extended_data(self.id, 1, bytes).await.is_ok(),
            Act::FloodStdout(bytes) => {
                while self.line.data(self.id, bytes.clone()).await.is_ok() {
                    tokio::task::yield_now().await;
                }
                false
            }
            Act::FloodStderr(bytes) => {
                while self.line.extended_data(self.id, 1, bytes.clone()).await.is_ok() {
                    tokio::task::yield_now().await;
                }
                false
            }
            Act::Greet => {
                let nonce = self.nonce.map(|nonce| nonce.0.to_vec()).unwrap_or_default();
                self.line.data(self.id, [&MAGIC[..], &nonce].concat()).await.is_ok()
            }
            Act::Frame(message) => self.frame(&message).await,
            Act::ReturnTrue => self.return_true().await,
            Act::Sleep(time) => {
                tokio::time::sleep(time).await;
                true
            }
            Act::Hang => std::future::pending().await,
            Act::Exit(code) => self.line.exit_status_request(self.id, code).await.is_ok(),
            Act::Signal => {
                let text = String::new;
                self.line.exit_signal_request(self.id, Sig::KILL, false, text(), text()).await.is_ok()
            }
            Act::Eof => self.line.eof(self.id).await.is_ok(),
            Act::Close => self.line.close(self.id).await.is_ok(),
            Act::Drop => {
                let _ = self
                    .line
                    .disconnect(russh::Disconnect::ByApplication, String::new(), String::new())
                    .await;
                false
            }
        }
    }

    async fn frame(&mut self, message: &FromThin) -> bool {
        let (kind, body) = message.encode().unwrap();
        let mut bytes = Vec::new();
        frame::encode(kind, self.seq, &body, &mut bytes).unwrap();
        self.seq += 1;
        self.line.data(self.id, bytes).await.is_ok()
    }

    async fn return_true(&mut self) -> bool {
        let answer = Return { value: true.into(), retcode: 0, success: true, out: None, notes: Vec::new() };
        let bytes = answer.encode().unwrap();
        let end = FromThin::End { total: bytes.len() as u64, digest: digest(&bytes) };
        self.frame(&FromThin::ReturnPart(bytes)).await && self.frame(&end).await
    }

    /// Runs a real program with the command as its last argument, and carries its three streams.
    async fn run(
        &mut self,
        program: Vec<String>,
        command: String,
        mut stdin: mpsc::UnboundedReceiver<Vec<u8>>,
    ) {
        let mut child = tokio::process::Command::new(&program[0])
            .args(&program[1..])
            .arg(command)
            .env_clear()
            .env("HOME", &self.home)
            .envs(self.terminal.then_some(("TERM", "dumb")))
            .env("PATH", format!("{}/local:{PATH}", self.home.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        let feed = async {
            while let Some(bytes) = stdin.recv().await {
                if input.write_all(&bytes).await.is_err() {
                    break;
                }
            }
            drop(input);
            std::future::pending::<()>().await;
        };
        let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (id, line, terminal) = (self.id, self.line.clone(), self.terminal);
        let out = async {
            let mut piece = vec![0; 16 << 10];
            while let Ok(read @ 1..) = stdout.read(&mut piece).await {
                let _ = line.data(id, piece[..read].to_vec()).await;
            }
        };
        let err = async {
            let mut piece = vec![0; 16 << 10];
            while let Ok(read @ 1..) = stderr.read(&mut piece).await {
                let bytes = piece[..read].to_vec();
                // A terminal has one stream for both.
                let _ = if terminal {
                    line.data(id, bytes).await
                } else {
                    line.extended_data(id, 1, bytes).await
                };
            }
        };
        tokio::select! {
            () = feed => {}
            _ = async { tokio::join!(out, err) } => {}
        }
        if let Ok(status) = child.wait().await {
            let code = status.code().map_or(255, |code| u32::try_from(code).unwrap_or(255));
            let _ = self.line.exit_status_request(self.id, code).await;
        }
        let _ = self.line.eof(self.id).await;
        let _ = self.line.close(self.id).await;
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}

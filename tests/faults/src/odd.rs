//! Servers that listen and never get to SSH.

use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a connection meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Odd {
    /// Nothing, for ever.
    Silent,
    /// Lines before the identification, without end.
    EndlessLines,
    /// One line without end.
    EndlessLine,
    /// An identification, then one zero byte every 200 ms.
    SlowKeyExchange,
    /// An identification, then garbage without end.
    Garbage,
    /// The connection is closed at once.
    Closed,
}

impl Odd {
    /// Listens on a loopback port until the handle is aborted or the test ends.
    pub async fn start(self) -> (SocketAddr, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(self.serve(stream));
            }
        });
        (addr, task)
    }

    async fn serve(self, mut stream: TcpStream) {
        const IDENTIFICATION: &[u8] = b"SSH-2.0-odd\r\n";
        match self {
            Odd::Silent => {
                let mut nothing = [0; 1024];
                while let Ok(1..) = stream.read(&mut nothing).await {}
                std::future::pending::<()>().await;
            }
            Odd::EndlessLines => {
                while stream.write_all(b"one more line before we begin\r\n").await.is_ok() {}
            }
            Odd::EndlessLine => while stream.write_all(&[b'x'; 4096]).await.is_ok() {},
            Odd::SlowKeyExchange => {
                let _ = stream.write_all(IDENTIFICATION).await;
                while stream.write_all(&[0]).await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
            Odd::Garbage => {
                let _ = stream.write_all(IDENTIFICATION).await;
                while stream.write_all(&[0xff; 4096]).await.is_ok() {}
            }
            Odd::Closed => {}
        }
    }
}

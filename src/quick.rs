//! TCP without waiting for acknowledgements in either direction, for sessions and returners.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A TCP stream that acknowledges at once.
///
/// `sshd` until a session starts, and brokers as they confirm one message after the other, leave Nagle's algorithm on: their
/// second small packet waits for our acknowledgement, and the kernel would hold that back for 40 ms. The kernel forgets
/// `TCP_QUICKACK` by itself, hence after every read.
pub struct QuickStream(TcpStream);

impl QuickStream {
    /// # Errors
    /// The system's, where the socket is already dead.
    pub fn new(stream: TcpStream) -> io::Result<QuickStream> {
        stream.set_nodelay(true)?;
        Ok(QuickStream(stream))
    }
}

impl AsyncRead for QuickStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context, buf: &mut ReadBuf) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.0).poll_read(cx, buf);
        if polled.is_ready() {
            // Only speed hangs on it.
            let _ = rustix::net::sockopt::set_tcp_quickack(&self.0, true);
        }
        polled
    }
}

impl AsyncWrite for QuickStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

//! Files of FTP servers: binary, passive, as whom the URL names or as `anonymous`.
//!
//! Data comes from the server that was asked and from nowhere else, whatever address it names (`EPSV`).

use super::{CONNECT, Incoming, SILENCE, chain};
use percent_encoding::percent_decode_str;
use reqwest::Url;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use suppaftp::types::FileType;
use suppaftp::{FtpError, FtpStream, Mode};

const PORT: u16 = 21;

/// What is read at once.
const CHUNK_BYTES: usize = 64 << 10;

/// Waits for the network and the disk: not for the async threads.
///
/// # Errors
/// What the server or the disk says.
pub(super) fn fetch(url: &Url, mut incoming: Incoming) -> Result<Incoming, String> {
    let told = |error: FtpError| chain(&error);
    let file = words("path", url.path().trim_start_matches('/'))?;
    let user = if url.username().is_empty() { "anonymous" } else { url.username() };
    let (user, password) = (words("user", user)?, words("password", url.password().unwrap_or("anonymous@"))?);
    let line = connect(url).map_err(|error| error.to_string())?;
    let mut ftp = FtpStream::connect_with_stream(line)
        .map_err(told)?
        .passive_stream_builder(|address| open(address).map_err(FtpError::ConnectionError));
    ftp.set_mode(Mode::ExtendedPassive);
    ftp.login(user, password).map_err(told)?;
    ftp.transfer_type(FileType::Binary).map_err(told)?;
    let mut data = ftp.retr_as_stream(&file).map_err(told)?;
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = data.read(&mut chunk).map_err(|error| error.to_string())?;
        if count == 0 {
            break;
        }
        incoming.write_all(&chunk[..count]).map_err(|error| super::disk(&error))?;
    }
    // The server says here whether that was all.
    data.finish().map_err(told)?;
    let _ = ftp.quit();
    Ok(incoming)
}

/// Text of a URL for a command; a line end in it would be a command of its own.
fn words(what: &str, encoded: &str) -> Result<String, String> {
    let text = percent_decode_str(encoded).decode_utf8_lossy().into_owned();
    if text.contains(char::is_control) {
        return Err(format!("its {what} has control characters"));
    }
    Ok(text)
}

fn connect(url: &Url) -> io::Result<TcpStream> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, url.port().unwrap_or(PORT)).to_socket_addrs()? {
        match open(address) {
            Ok(line) => return Ok(line),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn open(address: SocketAddr) -> io::Result<TcpStream> {
    let line = TcpStream::connect_timeout(&address, CONNECT)?;
    line.set_read_timeout(Some(SILENCE))?;
    line.set_write_timeout(Some(SILENCE))?;
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_url_is_a_command_of_its_own() {
        assert_eq!(words("path", "a%20b/%C3%A4"), Ok("a b/\u{e4}".to_owned()));
        for evil in ["a%0d%0aDELE b", "a%0ax", "a%00", "a%7f"] {
            assert!(words("path", evil).is_err(), "{evil}");
        }
    }
}

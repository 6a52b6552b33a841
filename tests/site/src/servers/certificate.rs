//! A certificate for servers of loopback that speak TLS.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Result;
use crate::packages::ensure_packages;
use crate::process::run;

/// A certificate for `localhost` and 127.0.0.1 that nobody but its holder has signed, and its key, as files in a folder.
pub(crate) struct Certificate {
    pub file: PathBuf,
    pub key: PathBuf,
}

impl Certificate {
    /// # Errors
    /// OpenSSL is missing and cannot be installed, or refuses.
    pub(crate) fn new(folder: &Path) -> Result<Certificate> {
        ensure_packages(&["openssl"], &mut std::io::sink())?;
        let (file, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
        let mut openssl = Command::new("openssl");
        openssl.args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
                .split(' '),
        );
        openssl.args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]);
        openssl.args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        run(openssl.arg("-keyout").arg(&key).arg("-out").arg(&file))?;
        Ok(Certificate { file, key })
    }
}

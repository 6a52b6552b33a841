//! Lines to other machines: TCP, and TLS over it, with the certificates of the machine or those of `ca_file`.

use super::{DeliveryError, SettingError, Settings};
use crate::quick::QuickStream;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// Either kind of line.
pub(super) trait Line: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Line for T {}

/// Where to, and whether with TLS.
#[derive(Clone)]
pub(super) struct Place {
    pub host: String,
    pub port: u16,
    tls: Option<Arc<ClientConfig>>,
}

impl Place {
    pub fn new(host: String, port: u16, tls: Option<Arc<ClientConfig>>) -> Place {
        Place { host, port, tls }
    }

    /// Opens a line.
    pub async fn connect(&self) -> Result<Box<dyn Line>, DeliveryError> {
        let failed =
            |error: std::io::Error| DeliveryError::retry(format!("{}:{}: {error}", self.host, self.port));
        let stream = TcpStream::connect((self.host.as_str(), self.port)).await.map_err(failed)?;
        let stream = QuickStream::new(stream).map_err(failed)?;
        let Some(config) = &self.tls else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from(self.host.clone()).map_err(DeliveryError::retry)?;
        let stream = TlsConnector::from(config.clone()).connect(name, stream).await.map_err(failed)?;
        Ok(Box::new(stream))
    }
}

/// How TLS is spoken; the other side's certificate is always verified.
pub(super) fn tls(settings: &Settings) -> Result<Arc<ClientConfig>, SettingError> {
    tls_trusting(settings, "ca_file", settings.text("ca_file")?)
}

/// The same with the certificates of `file`, which `key` names, instead of those of the machine.
pub(super) fn tls_trusting(
    settings: &Settings,
    key: &str,
    file: Option<String>,
) -> Result<Arc<ClientConfig>, SettingError> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let refused = |error: &dyn ToString| settings.refused(key, error.to_string());
    let Some(file) = file else {
        return ClientConfig::with_platform_verifier().map(Arc::new).map_err(|error| refused(&error));
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&file).map_err(|error| refused(&error))? {
        roots.add(certificate.map_err(|error| refused(&error))?).map_err(|error| refused(&error))?;
    }
    Ok(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

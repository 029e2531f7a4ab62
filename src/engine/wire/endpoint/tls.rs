//! TLS as the docker client uses it: `ca.pem`, `cert.pem` and `key.pem` in one folder. Keys never enter a message.

use crate::engine::engine_error::EngineError;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How to speak TLS with one engine.
#[derive(Clone)]
pub(super) struct Tls(TlsConnector);

impl Tls {
    /// Reads the certificates of a folder.
    pub(super) fn from_folder(folder: &Path) -> Result<Self, EngineError> {
        let failed = |name: &str, e: &dyn std::fmt::Display| {
            EngineError::new(
                format!("reading {}", folder.join(name).display()),
                e,
                "TLS needs ca.pem, cert.pem and key.pem there, as for the docker client (DOCKER_CERT_PATH)",
            )
        };
        let certificates = |name: &str| -> Result<Vec<CertificateDer<'static>>, EngineError> {
            let all = CertificateDer::pem_file_iter(folder.join(name)).map_err(|e| failed(name, &e))?;
            let all = all.collect::<Result<Vec<_>, _>>().map_err(|e| failed(name, &e))?;
            if all.is_empty() { Err(failed(name, &"there is no certificate in it")) } else { Ok(all) }
        };
        let mut roots = RootCertStore::empty();
        for certificate in certificates("ca.pem")? {
            roots.add(certificate).map_err(|e| failed("ca.pem", &e))?;
        }
        let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).map_err(|e| failed("key.pem", &e))?;
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| failed("", &e))?
            .with_root_certificates(roots)
            .with_client_auth_cert(certificates("cert.pem")?, key)
            .map_err(|e| failed("cert.pem", &e))?;
        Ok(Self(TlsConnector::from(Arc::new(config))))
    }

    /// Greets the engine at the other end of a connection.
    pub(super) async fn connect(&self, host: &str, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        self.0.connect(name, stream).await
    }
}

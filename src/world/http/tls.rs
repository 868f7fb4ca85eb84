//! TLS: whom a client trusts, and what a server shows.

use super::failure::{Failure, FailureKind};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme,
};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// Whom a client trusts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// The roots that browsers trust.
    Roots,
    /// The certificates of a PEM file, given whole.
    Pem(Vec<u8>),
    /// Everybody.
    Anybody,
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// A client's settings, made once for each kind of trust.
fn settings(trust: &Trust) -> Result<Arc<ClientConfig>, Failure> {
    static MADE: Mutex<Vec<(Trust, Arc<ClientConfig>)>> = Mutex::new(Vec::new());
    let mut made = MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, config)) = made.iter().find(|(t, _)| t == trust) {
        return Ok(config.clone());
    }
    let wrong = |text: String| Failure::new(FailureKind::Tls, text);
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| wrong(e.to_string()))?;
    let config = match trust {
        Trust::Anybody => {
            builder.dangerous().with_custom_certificate_verifier(Arc::new(Trusting(provider()))).with_no_client_auth()
        }
        Trust::Roots => {
            let roots = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect::<RootCertStore>();
            builder.with_root_certificates(roots).with_no_client_auth()
        }
        Trust::Pem(text) => {
            let mut roots = RootCertStore::empty();
            for certificate in CertificateDer::pem_slice_iter(text) {
                let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
                roots.add(certificate).map_err(|e| wrong(e.to_string()))?;
            }
            builder.with_root_certificates(roots).with_no_client_auth()
        }
    };
    let config = Arc::new(config);
    made.push((trust.clone(), config.clone()));
    Ok(config)
}

/// TLS over a new connection.
pub async fn client(trust: &Trust, host: &str, stream: TcpStream) -> Result<TlsStream<TcpStream>, Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_string();
    let name = ServerName::try_from(bare)
        .map_err(|_| Failure::new(FailureKind::Tls, format!("'{host}' is no name for a certificate")))?;
    let connector = TlsConnector::from(settings(trust)?);
    connector.connect(name, stream).await.map_err(|e| failure(&e, host))
}

/// What went wrong, in the words of the library that most programs know.
fn failure(error: &io::Error, host: &str) -> Failure {
    let inner = error.get_ref().and_then(|e| e.downcast_ref::<Error>());
    let words = match inner {
        Some(Error::InvalidCertificate(why)) => match why {
            CertificateError::UnknownIssuer => "unable to get local issuer certificate".to_string(),
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                "certificate has expired".to_string()
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                "certificate is not yet valid".to_string()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                format!("Hostname mismatch, certificate is not valid for '{host}'.")
            }
            other => other.to_string(),
        },
        Some(other) => return Failure::new(FailureKind::Tls, other.to_string()),
        None if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Failure::new(FailureKind::Tls, "EOF occurred in violation of protocol");
        }
        None => return Failure::system(FailureKind::Broken, error),
    };
    Failure::new(FailureKind::Certificate, words)
}

/// Trusts whoever answers (`verify=False`); the signatures of the handshake are checked all the same.
#[derive(Debug)]
struct Trusting(Arc<CryptoProvider>);

impl ServerCertVerifier for Trusting {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// What a server needs for TLS, from PEM texts.
pub fn acceptor(certificates: &[u8], key: &[u8]) -> Result<TlsAcceptor, String> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificates).collect();
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|e| format!("the key: {e}"))?;
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| e.to_string())?
        .with_no_client_auth()
        .with_single_cert(chain.map_err(|e| format!("the certificate: {e}"))?, key)
        .map_err(|e| e.to_string())?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// TLS over a connection that a server has accepted.
pub async fn server<S: AsyncRead + AsyncWrite + Unpin>(
    acceptor: &TlsAcceptor,
    stream: S,
) -> io::Result<tokio_rustls::server::TlsStream<S>> {
    acceptor.accept(stream).await
}

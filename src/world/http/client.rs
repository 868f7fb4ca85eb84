//! The asking side over the network: a pool of kept connections, and one request over one of them.

use super::body::{Flow, system_error, within};
use super::connect;
use super::decode::Decoder;
use super::failure::{Failure, FailureKind};
use super::tls::{self, Trust};
use super::{Head, Limits, Request};
use http_body_util::Full;
use hyper::body::{Body, Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::ext::ReasonPhrase;
use hyper::header::{HeaderName, HeaderValue};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

type Sender = SendRequest<Full<Bytes>>;

/// Secure or not, host, port.
type Place = (bool, String, u16);

/// Connections that are kept for the next request to the same place. One belongs to a script's session.
pub struct Pool {
    idle: Mutex<BTreeMap<Place, Vec<Sender>>>,
    trust: Trust,
    /// Connections made so far.
    pub made: std::sync::atomic::AtomicU64,
}

/// Where a connection goes when its answer has been read.
pub struct Home {
    pool: Arc<Pool>,
    place: Place,
    sender: Sender,
}

impl Home {
    pub fn back(self) {
        if !self.sender.is_closed() {
            let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.entry(self.place).or_default().push(self.sender);
        }
    }
}

impl Pool {
    pub fn new(trust: Trust) -> Arc<Pool> {
        Arc::new(Pool { idle: Mutex::default(), trust, made: Default::default() })
    }

    /// A kept connection; the one used last is the likeliest to be alive.
    fn take(&self, place: &Place) -> Option<Sender> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let row = idle.get_mut(place)?;
        let kept = std::iter::from_fn(|| row.pop()).find(|s| !s.is_closed());
        if row.is_empty() {
            idle.remove(place);
        }
        kept
    }

    /// Closes what is kept.
    pub fn close(&self) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn connect(&self, place: &Place) -> Result<Sender, Failure> {
        let (secure, host, port) = place;
        let stream = connect::tcp(host, *port).await?;
        self.made.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        if *secure {
            let stream = tls::client(&self.trust, host, stream).await?;
            let shaken = builder().handshake(TokioIo::new(stream)).await.map_err(|e| protocol(&e))?;
            tokio::spawn(shaken.1);
            return Ok(shaken.0);
        }
        let (sender, connection) = builder().handshake(TokioIo::new(stream)).await.map_err(|e| protocol(&e))?;
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.title_case_headers(true).max_headers(1000);
    builder
}

fn protocol(error: &hyper::Error) -> Failure {
    Failure::new(FailureKind::Protocol, error.to_string())
}

/// Sends a request and reads the head of the answer; the body's rest comes along, unless there is none.
pub async fn send(
    pool: &Arc<Pool>,
    request: Request,
    limits: &Limits,
    began: Instant,
) -> Result<(Head, Option<Flow>), Failure> {
    let deadline = limits.total.map(|ns| began + Duration::from_nanos(ns));
    let place = (request.secure, request.host.clone(), request.port);
    let wire = wire(&request)?;
    let mut kept = pool.take(&place);
    loop {
        let reused = kept.is_some();
        let mut sender = match kept.take() {
            Some(sender) => sender,
            None => {
                let connecting = pool.connect(&place);
                within(limits.connect, FailureKind::ConnectTimeout, deadline, connecting).await??
            }
        };
        let answered = within(limits.read, FailureKind::ReadTimeout, deadline, async {
            sender.ready().await?;
            sender.send_request(wire.clone()).await
        });
        match answered.await? {
            Ok(response) => {
                let (head, incoming) = split(response);
                let decoder = Decoder::of(head.header("content-encoding"));
                let announced = head.length;
                let home = Some(Home { pool: pool.clone(), place, sender });
                let mut flow = Flow { incoming, home, decoder, announced, got: 0, deadline };
                if flow.incoming.is_end_stream() {
                    // Nothing follows: the connection is free at once.
                    flow.next(&mut Vec::new(), None).await?;
                    return Ok((head, None));
                }
                return Ok((head, Some(flow)));
            }
            // The server had closed it meanwhile (H4).
            Err(error) if reused && unanswered(&error) => {}
            Err(error) => return Err(failed(&error)),
        }
    }
}

fn wire(request: &Request) -> Result<hyper::Request<Full<Bytes>>, Failure> {
    let bad = |what: &str| Failure::new(FailureKind::Protocol, format!("{what} cannot be sent"));
    let mut wire = hyper::Request::new(Full::new(Bytes::from(request.body.clone())));
    *wire.method_mut() = request.method.parse().map_err(|_| bad("the method"))?;
    *wire.uri_mut() = request.target.parse().map_err(|_| bad("the path"))?;
    for (name, value) in &request.headers {
        let name: HeaderName = name.parse().map_err(|_| bad(&format!("the header's name {name:?}")))?;
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad(&format!("the header {name}")))?;
        wire.headers_mut().append(name, value);
    }
    Ok(wire)
}

fn unanswered(error: &hyper::Error) -> bool {
    error.is_canceled() || error.is_closed() || error.is_incomplete_message() || system_error(error).is_some()
}

fn failed(error: &hyper::Error) -> Failure {
    if error.is_parse() {
        return protocol(error);
    }
    match system_error(error) {
        Some(e) if e.kind() == std::io::ErrorKind::UnexpectedEof => Failure::new(FailureKind::Disconnected, ""),
        Some(e) => Failure::system(FailureKind::Broken, e),
        None if error.is_incomplete_message() || error.is_canceled() || error.is_closed() => {
            Failure::new(FailureKind::Disconnected, "")
        }
        None => protocol(error),
    }
}

fn split(response: hyper::Response<Incoming>) -> (Head, Incoming) {
    let (parts, body) = response.into_parts();
    let reason = match parts.extensions.get::<ReasonPhrase>() {
        Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
        None => parts.status.canonical_reason().unwrap_or_default().to_string(),
    };
    let latin = |value: &HeaderValue| value.as_bytes().iter().map(|b| char::from(*b)).collect::<String>();
    let headers: Vec<_> = parts.headers.iter().map(|(n, v)| (usual(n.as_str()), latin(v))).collect();
    let length = headers.iter().find(|(n, _)| n == "Content-Length").and_then(|(_, v)| v.trim().parse().ok());
    let version = if parts.version == hyper::Version::HTTP_10 { 10 } else { 11 };
    (Head { status: parts.status.as_u16(), reason, version, headers, length }, body)
}

/// Names that are not written word by word with a capital.
const NAMES: &[(&str, &str)] = &[
    ("etag", "ETag"),
    ("te", "TE"),
    ("www-authenticate", "WWW-Authenticate"),
    ("dnt", "DNT"),
    ("content-md5", "Content-MD5"),
    ("x-xss-protection", "X-XSS-Protection"),
    ("x-request-id", "X-Request-ID"),
];

/// A header's name as servers usually write it.
pub fn usual(name: &str) -> String {
    if let Some((_, usual)) = NAMES.iter().find(|(lower, _)| name.eq_ignore_ascii_case(lower)) {
        return usual.to_string();
    }
    let word = |w: &str| {
        let (first, rest) = w.split_at(w.chars().next().map_or(0, char::len_utf8));
        first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

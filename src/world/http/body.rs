//! The rest of an answer on its way in.

use super::client::Home;
use super::decode::Decoder;
use super::failure::{Failure, FailureKind};
use crate::world::Nanos;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io;
use std::time::Duration;
use tokio::time::Instant;

/// A body that has not been read to its end, and where its connection belongs afterwards.
pub struct Flow {
    pub incoming: Incoming,
    pub home: Option<Home>,
    pub decoder: Decoder,
    /// Content-Length.
    pub announced: Option<u64>,
    pub got: u64,
    /// When everything must be there.
    pub deadline: Option<Instant>,
}

impl Flow {
    /// Appends the next piece; false at the end of the body.
    pub async fn next(&mut self, out: &mut Vec<u8>, read: Option<Nanos>) -> Result<bool, Failure> {
        loop {
            let frame = match within(read, FailureKind::ReadTimeout, self.deadline, self.incoming.frame()).await? {
                None => {
                    self.decoder.finish(out)?;
                    if let Some(home) = self.home.take() {
                        home.back();
                    }
                    return Ok(false);
                }
                Some(Err(error)) => return Err(self.broken(&error)),
                Some(Ok(frame)) => frame,
            };
            // Trailers are no part of the body.
            if let Ok(piece) = frame.into_data() {
                self.got += piece.len() as u64;
                self.decoder.feed(&piece, out)?;
                return Ok(true);
            }
        }
    }

    fn broken(&self, error: &hyper::Error) -> Failure {
        match system_error(error) {
            Some(e) if e.kind() != io::ErrorKind::UnexpectedEof => Failure::system(FailureKind::Broken, e),
            _ => Failure::truncated(self.got, self.announced.map(|all| all.saturating_sub(self.got))),
        }
    }
}

/// The error of the system behind an error of the protocol.
pub fn system_error(error: &hyper::Error) -> Option<&io::Error> {
    let mut at: Option<&(dyn std::error::Error + 'static)> = std::error::Error::source(error);
    while let Some(e) = at {
        if let Some(io) = e.downcast_ref::<io::Error>() {
            return Some(io);
        }
        at = e.source();
    }
    None
}

/// Waits for `what`, at most `length` and until `deadline`: whichever is over first names the failure.
pub async fn within<T>(
    length: Option<Nanos>,
    kind: FailureKind,
    deadline: Option<Instant>,
    what: impl Future<Output = T>,
) -> Result<T, Failure> {
    let own = length.map(|ns| Instant::now() + Duration::from_nanos(ns));
    let (at, kind) = match (own, deadline) {
        (None, None) => return Ok(what.await),
        (Some(own), Some(all)) if own <= all => (own, kind),
        (Some(own), None) => (own, kind),
        (_, Some(all)) => (all, FailureKind::TotalTimeout),
    };
    tokio::time::timeout_at(at, what).await.map_err(|_| Failure::new(kind, "timed out"))
}

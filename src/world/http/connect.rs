//! Connections: a name's addresses one after the other, and TLS on top.

use super::address;
use super::failure::{Failure, FailureKind};
use std::io;
use tokio::net::{TcpStream, lookup_host};

/// A connection to the first address that takes one.
pub async fn tcp(host: &str, port: u16) -> Result<TcpStream, Failure> {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let addresses = match address::known(host, port) {
        Some(known) => known,
        None if address::is_invalid(host) => return Err(Failure::unknown_name()),
        None => lookup_host((bare, port)).await.map_err(|e| address::failure(&e))?.collect(),
    };
    let mut last: Option<io::Error> = None;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // A socket that will not hurry still works.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            // Of localhost's two addresses the first one's error says more.
            Err(e) => drop(last.get_or_insert(e)),
        }
    }
    match last {
        Some(error) => Err(Failure::system(FailureKind::Connect, &error)),
        None => Err(Failure::unknown_name()),
    }
}

//! Messages between processes: whole or not at all, so that a process that dies in the middle of one, or
//! several that read from one place, cannot spoil the line.
//!
//! A socket pair that keeps the borders of messages (SEQPACKET). The first byte says how a message
//! travels: in the packet, or, when it is long, as a file in memory whose descriptor is in the packet, so
//! a sender is never held up by a long message. Descriptors travel along, too.

use super::shared::{Bytes, FROZEN, Frozen};
use super::work::Descriptor;
use rustix::fs::{MemfdFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType, recvmsg, sendmsg, shutdown, socketpair,
};
use std::cell::RefCell;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

/// Longer messages travel as a file in memory.
const INLINE_BYTES: usize = 32 << 10;
/// Room of a socket, as far as the system allows it.
const ROOM_BYTES: usize = 1 << 20;
/// Descriptors in one packet; the system's limit is 253.
pub const DESCRIPTORS_MAX: usize = 200;

const INSIDE: u8 = 0;
const ASIDE: u8 = 1;

/// One end.
#[derive(Clone, Debug)]
pub struct Socket(pub Descriptor);

/// A message ready to be sent: what is long is in a file already, so trying again costs nothing.
pub struct Packet {
    how: u8,
    bytes: Vec<u8>,
    along: Vec<Descriptor>,
}

impl Packet {
    /// A message of these bytes, one part after the other, with descriptors.
    pub fn new(parts: &[&[u8]], mut along: Vec<Descriptor>) -> io::Result<Packet> {
        if along.len() > DESCRIPTORS_MAX {
            let text = format!("a message takes along at most {DESCRIPTORS_MAX} descriptors");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let length: usize = parts.iter().map(|p| p.len()).sum();
        if length <= INLINE_BYTES {
            return Ok(Packet { how: INSIDE, bytes: parts.concat(), along });
        }
        along.push(Arc::new(aside(parts)?));
        Ok(Packet { how: ASIDE, bytes: (length as u64).to_le_bytes().to_vec(), along })
    }
}

/// What was there to be received.
pub enum Received {
    Message(Bytes, Vec<Descriptor>),
    /// Nothing yet.
    Nothing,
    /// All holders of the other end have closed it or ended.
    End,
}

impl Socket {
    /// Both ends, neither inherited by programs that are started.
    pub fn pair() -> io::Result<(Socket, Socket)> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let (a, b) = socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        for end in [&a, &b] {
            rustix::net::sockopt::set_socket_send_buffer_size(end, ROOM_BYTES)?;
        }
        Ok((Socket(Arc::new(a)), Socket(Arc::new(b))))
    }

    /// No more messages this way: a holder of the other end sees the end after what was sent.
    pub fn end_sending(&self) -> io::Result<()> {
        Ok(shutdown(&*self.0, Shutdown::Write)?)
    }

    /// Sends a message if there is room for it now; says whether.
    pub fn send(&self, packet: &Packet) -> io::Result<bool> {
        let fds: Vec<BorrowedFd> = packet.along.iter().map(|d| d.as_fd()).collect();
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX + 1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !fds.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&fds));
        }
        let how = [packet.how];
        let parts = [IoSlice::new(&how), IoSlice::new(&packet.bytes)];
        loop {
            return match sendmsg(&*self.0, &parts, &mut control, SendFlags::NOSIGNAL) {
                Ok(_) => Ok(true),
                Err(Errno::AGAIN) => Ok(false),
                Err(Errno::INTR) => continue,
                Err(e) => Err(e.into()),
            };
        }
    }

    /// Takes the next message if there is one.
    pub fn receive(&self) -> io::Result<Received> {
        thread_local!(static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) });
        ROOM.with_borrow_mut(|room| {
            room.resize(INLINE_BYTES + 1, 0);
            self.receive_into(room)
        })
    }

    fn receive_into(&self, room: &mut [u8]) -> io::Result<Received> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX + 1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let (n, flags) = loop {
            match recvmsg(&*self.0, &mut [IoSliceMut::new(room)], &mut control, RecvFlags::CMSG_CLOEXEC) {
                Ok(r) => break (r.bytes, r.flags),
                Err(Errno::AGAIN) => return Ok(Received::Nothing),
                Err(Errno::INTR) => {}
                // The other end was closed with unread messages: closed all the same.
                Err(Errno::CONNRESET) => return Ok(Received::End),
                Err(e) => return Err(e.into()),
            }
        };
        let mut fds = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(more) = message {
                fds.extend(more.map(Arc::new));
            }
        }
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "this is no message of Kit's");
        if flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(malformed());
        }
        match room[..n] {
            [] => Ok(Received::End),
            [INSIDE, ref bytes @ ..] => Ok(Received::Message(Bytes::Owned(bytes.to_vec()), fds)),
            [ASIDE, ref length @ ..] => {
                let length = length.try_into().map(u64::from_le_bytes).map_err(|_| malformed())?;
                let file = fds.pop().ok_or_else(malformed)?;
                let length = usize::try_from(length).map_err(|_| malformed())?;
                Ok(Received::Message(Bytes::Frozen(Frozen::open(&file, length)?), fds))
            }
            _ => Err(malformed()),
        }
    }
}

/// A file in memory that holds these bytes and does not change any more.
fn aside(parts: &[&[u8]]) -> io::Result<OwnedFd> {
    let file = memfd_create("kit-message", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
    for part in parts {
        let mut rest = *part;
        while !rest.is_empty() {
            let n = rustix::io::write(&file, rest)?;
            rest = &rest[n..];
        }
    }
    fcntl_add_seals(&file, FROZEN)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{INLINE_BYTES, Packet, Received, Socket};
    use crate::world::work::Descriptor;

    fn send(s: &Socket, bytes: &[u8], along: Vec<Descriptor>) -> std::io::Result<bool> {
        s.send(&Packet::new(&[&bytes[..bytes.len() / 2], &bytes[bytes.len() / 2..]], along)?)
    }

    fn message(s: &Socket) -> (Vec<u8>, usize) {
        match s.receive().unwrap() {
            Received::Message(bytes, fds) => (bytes.to_vec(), fds.len()),
            _ => panic!("a message"),
        }
    }

    #[test]
    fn messages_of_all_lengths_arrive_whole_in_order_with_descriptors() {
        let (a, b) = Socket::pair().unwrap();
        let lengths = [0, 1, INLINE_BYTES, INLINE_BYTES + 1, 3 << 20];
        for n in lengths {
            assert!(send(&a, &vec![7; n], vec![]).unwrap());
        }
        assert!(send(&a, &vec![1; 1 << 20], vec![b.0.clone(), a.0.clone()]).unwrap());
        for n in lengths {
            assert_eq!(message(&b), (vec![7; n], 0));
        }
        assert_eq!(message(&b), (vec![1; 1 << 20], 2));
        assert!(matches!(b.receive().unwrap(), Received::Nothing));
        drop(a);
        assert!(matches!(b.receive().unwrap(), Received::End));
        assert_eq!(send(&b, b"x", vec![]).unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_full_line_says_so() {
        let (a, b) = Socket::pair().unwrap();
        let mut sent = 0u32;
        while send(&a, &sent.to_le_bytes(), vec![]).unwrap() {
            sent += 1;
        }
        for i in 0..sent {
            assert_eq!(message(&b).0, i.to_le_bytes());
        }
        assert!(send(&a, b"room again", vec![]).unwrap());
    }
}

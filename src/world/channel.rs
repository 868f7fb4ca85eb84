//! Frames of bytes between two processes of this binary: a length in four bytes (little-endian), then as
//! many bytes, over a socket pair. What the bytes mean is the business of others (`process/`, `explore/`).
//!
//! The child's end arrives as its standard input and is moved away from there at once, so that no
//! descriptor number is agreed upon and no raw descriptor is touched.

use super::packet::DESCRIPTORS_MAX;
use super::work::Descriptor;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;

/// The longest frame; a longer length is not one of our frames.
pub const FRAME_BYTES_MAX: usize = 64 << 20;

/// Frames from this length on may not fit the buffer of a socket, which is 208 KiB on Linux.
const ASIDE_BYTES: usize = 64 << 10;

/// One end. Both directions are independent: one thread may read while another writes.
#[derive(Debug)]
pub struct Channel(UnixStream);

impl Channel {
    /// Both ends; neither is inherited by programs that are started meanwhile.
    pub fn pair() -> io::Result<(Channel, Channel)> {
        let (a, b) = UnixStream::pair()?;
        Ok((Channel(a), Channel(b)))
    }

    /// The end that the parent gave this process as standard input, which then becomes `/dev/null`.
    /// Called once in a process, before any other thread runs.
    pub fn inherited() -> io::Result<Channel> {
        let socket: OwnedFd = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
        let null = std::fs::File::open("/dev/null")?;
        rustix::stdio::dup2_stdin(null.as_fd())?;
        Ok(Channel(UnixStream::from(socket)))
    }

    /// A second handle on the same end.
    pub fn again(&self) -> io::Result<Channel> {
        Ok(Channel(self.0.try_clone()?))
    }

    /// Writes one frame. `InvalidInput` if it is longer than `FRAME_BYTES_MAX`, `BrokenPipe` if the other
    /// process is gone.
    pub fn send(&self, frame: &[u8]) -> io::Result<()> {
        if frame.len() > FRAME_BYTES_MAX {
            let text = format!("a message of {} bytes is longer than the {FRAME_BYTES_MAX} allowed", frame.len());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        let length = u32::try_from(frame.len()).expect("the maximum fits 32 bits");
        let mut socket = &self.0;
        socket.write_all(&length.to_le_bytes())?;
        socket.write_all(frame)
    }

    /// `send`, but never waits for the reader: what may not fit the socket's buffer is written by a thread
    /// of its own, which ends quietly if the reader goes away. For the only frame of a sender.
    pub fn send_aside(&self, frame: Vec<u8>) -> io::Result<()> {
        if !(ASIDE_BYTES..=FRAME_BYTES_MAX).contains(&frame.len()) {
            return self.send(&frame);
        }
        let end = self.again()?;
        super::thread::start("frame", 128 << 10, Box::new(move || drop(end.send(&frame))))
    }

    /// Reads one frame, waiting for it; `None` if the other end was closed between two frames.
    /// `UnexpectedEof` if it was closed within one, `InvalidData` for a length that cannot be.
    pub fn receive(&self) -> io::Result<Option<Vec<u8>>> {
        let mut socket = &self.0;
        let mut length = [0; 4];
        let mut have = 0;
        while have < length.len() {
            match socket.read(&mut length[have..]) {
                Ok(0) if have == 0 => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(n) => have += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                // A child that died with unread bytes resets the connection: it is closed all the same.
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset && have == 0 => return Ok(None),
                Err(e) => return Err(e),
            }
        }
        let length = u32::from_le_bytes(length) as usize;
        if length > FRAME_BYTES_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("no message has {length} bytes")));
        }
        let mut frame = vec![0; length];
        socket.read_exact(&mut frame)?;
        Ok(Some(frame))
    }

    /// Sends descriptors, which arrive in the same order; the receiver knows how many.
    pub fn send_descriptors(&self, all: &[Descriptor]) -> io::Result<()> {
        for part in all.chunks(DESCRIPTORS_MAX) {
            let fds: Vec<_> = part.iter().map(|d| d.as_fd()).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            control.push(SendAncillaryMessage::ScmRights(&fds));
            sendmsg(&self.0, &[IoSlice::new(&[0])], &mut control, SendFlags::NOSIGNAL)?;
        }
        Ok(())
    }

    /// Receives so many descriptors.
    pub fn receive_descriptors(&self, n: usize) -> io::Result<Vec<Descriptor>> {
        let mut all = Vec::new();
        while all.len() < n {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTORS_MAX))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut byte = [0];
            let got = recvmsg(&self.0, &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
            let before = all.len();
            for message in control.drain() {
                if let RecvAncillaryMessage::ScmRights(more) = message {
                    all.extend(more.map(Arc::new));
                }
            }
            if got.bytes == 0 || all.len() == before {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(all)
    }

    /// As standard input of a child.
    pub(super) fn into_stdio(self) -> std::process::Stdio {
        std::process::Stdio::from(self.into_descriptor())
    }

    pub(super) fn into_descriptor(self) -> OwnedFd {
        OwnedFd::from(self.0)
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::{Channel, FRAME_BYTES_MAX};
    use std::io::{ErrorKind, Write};

    #[test]
    fn frames_arrive_whole_and_in_order_and_the_end_is_seen() {
        let (a, b) = Channel::pair().unwrap();
        a.send(b"one").unwrap();
        a.send(b"").unwrap();
        assert_eq!(b.receive().unwrap().as_deref(), Some(&b"one"[..]));
        assert_eq!(b.receive().unwrap().as_deref(), Some(&b""[..]));
        drop(a);
        assert_eq!(b.receive().unwrap(), None);
        assert_eq!(b.send(b"x").unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for (bytes, kind) in [
            (&[5, 0, 0, 0, b'a'][..], ErrorKind::UnexpectedEof),
            (&[5, 0][..], ErrorKind::UnexpectedEof),
            (&[255, 255, 255, 255][..], ErrorKind::InvalidData),
        ] {
            let (mut a, b) = Channel::pair().unwrap();
            a.0.write_all(bytes).unwrap();
            drop(a);
            assert_eq!(b.receive().unwrap_err().kind(), kind, "{bytes:?}");
        }
        let (a, _b) = Channel::pair().unwrap();
        assert_eq!(a.send(&vec![0; FRAME_BYTES_MAX + 1]).unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}

//! A frame whose long objects have stayed where they are: a message of 100 MB is written from the object itself
//! and not copied before.

use super::wire::put_whole;
use crate::object::types::{Bytes, Str};
use crate::object::{Kind, Ref};

/// Bytes and texts from this length on stay where they are.
pub(super) const LARGE: usize = 1 << 20;

/// What is to be sent. Its objects are frozen, so it stays what it was when it was made.
pub struct Parts {
    bytes: Vec<u8>,
    /// Objects, and where in `bytes` their content belongs, in order.
    large: Vec<(usize, Ref)>,
}

fn content(r: &Ref) -> &[u8] {
    match r.kind() {
        Kind::Bytes => &r.frozen::<Bytes>().0,
        _ => r.frozen::<Str>().text.as_bytes(),
    }
}

impl Parts {
    pub(super) fn new(bytes: Vec<u8>, large: Vec<(usize, Ref)>) -> Parts {
        Parts { bytes, large }
    }

    /// The content of an object of bytes, as it is; `None`: it is none.
    pub fn of_bytes(r: &Ref) -> Option<Parts> {
        r.is::<Bytes>().then(|| Parts::new(Vec::new(), vec![(0, r.clone())]))
    }

    /// All of it, in order.
    pub fn slices(&self) -> Vec<&[u8]> {
        let mut all = Vec::with_capacity(1 + 2 * self.large.len());
        let mut from = 0;
        for (at, r) in &self.large {
            all.extend([&self.bytes[from..*at], content(r)]);
            from = *at;
        }
        all.push(&self.bytes[from..]);
        all
    }

    /// In one piece.
    pub fn whole(self) -> Vec<u8> {
        if self.large.is_empty() {
            return self.bytes;
        }
        let mut all = Vec::with_capacity(self.slices().iter().map(|s| s.len()).sum());
        self.slices().into_iter().for_each(|s| put_whole(&mut all, s));
        all
    }
}

impl From<Vec<u8>> for Parts {
    fn from(bytes: Vec<u8>) -> Parts {
        Parts::new(bytes, Vec::new())
    }
}

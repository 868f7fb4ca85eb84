//! `_hashlib`: digests. More than 2 KB are hashed with the lock released (D1).

use super::blake2::{Blake2b, Blake2s};
use super::{bytes, computed, state, this};
use crate::natives;
use crate::object::{TypeId, Value};
use crate::vm::make::text;
use crate::vm::{Call, Res};
use parking_lot::Mutex;
use sha2::Digest;
use std::sync::Arc;

natives! { pub MODULE, "_hashlib";
    /// A digest by the name of its algorithm, fed with `data`; None if the name is not known.
    computes new("name, data=b'', /") = new;
    /// A BLAKE2 digest (`blake2b` or `blake2s`) with its parameters.
    computes blake2("name, data, digest_size, key, salt, person, /") = blake2;
}

natives! { pub HASHER, method "HASH";
    /// Feeds in more bytes; more than 2 KB with the lock released.
    computes update("data, /") = update;
    /// The digest of all that was fed in, as bytes; of `length` of them where that is free.
    computes digest("length=None, /") = digest;
    /// The digest as hexadecimal text.
    computes hexdigest("length=None, /") = hexdigest;
    /// A digest that has been fed the same.
    holds copy("") = copy;
}

#[derive(Clone)]
enum Algorithm {
    Md5(md5::Md5),
    Sha1(sha1::Sha1),
    Sha224(sha2::Sha224),
    Sha256(sha2::Sha256),
    Sha384(sha2::Sha384),
    Sha512(sha2::Sha512),
    Sha3_224(sha3::Sha3_224),
    Sha3_256(sha3::Sha3_256),
    Sha3_384(sha3::Sha3_384),
    Sha3_512(sha3::Sha3_512),
    Shake128(sha3::Shake128),
    Shake256(sha3::Shake256),
    Blake2b(Box<Blake2b>),
    Blake2s(Box<Blake2s>),
}
use Algorithm::*;

impl Algorithm {
    fn named(name: &str) -> Option<Algorithm> {
        Some(match name {
            "md5" => Md5(Default::default()),
            "sha1" => Sha1(Default::default()),
            "sha224" => Sha224(Default::default()),
            "sha256" => Sha256(Default::default()),
            "sha384" => Sha384(Default::default()),
            "sha512" => Sha512(Default::default()),
            "sha3_224" => Sha3_224(Default::default()),
            "sha3_256" => Sha3_256(Default::default()),
            "sha3_384" => Sha3_384(Default::default()),
            "sha3_512" => Sha3_512(Default::default()),
            "shake_128" => Shake128(Default::default()),
            "shake_256" => Shake256(Default::default()),
            "blake2b" => Blake2b(Box::new(super::blake2::Blake2b::new(64, &[], &[], &[]))),
            "blake2s" => Blake2s(Box::new(super::blake2::Blake2s::new(32, &[], &[], &[]))),
            _ => return None,
        })
    }

    fn update(&mut self, data: &[u8]) {
        match self {
            Md5(d) => d.update(data),
            Sha1(d) => d.update(data),
            Sha224(d) => d.update(data),
            Sha256(d) => d.update(data),
            Sha384(d) => d.update(data),
            Sha512(d) => d.update(data),
            Sha3_224(d) => d.update(data),
            Sha3_256(d) => d.update(data),
            Sha3_384(d) => d.update(data),
            Sha3_512(d) => d.update(data),
            Shake128(d) => sha3::digest::Update::update(d, data),
            Shake256(d) => sha3::digest::Update::update(d, data),
            Blake2b(d) => d.update(data),
            Blake2s(d) => d.update(data),
        }
    }

    /// `length` counts only where the algorithm gives as many bytes as one likes.
    fn finish(&self, length: usize) -> Vec<u8> {
        use sha3::digest::{ExtendableOutput, XofReader};
        fn drawn(mut from: impl XofReader, length: usize) -> Vec<u8> {
            let mut out = vec![0; length];
            from.read(&mut out);
            out
        }
        match self {
            Shake128(d) => drawn(d.clone().finalize_xof(), length),
            Shake256(d) => drawn(d.clone().finalize_xof(), length),
            Md5(d) => d.clone().finalize().to_vec(),
            Sha1(d) => d.clone().finalize().to_vec(),
            Sha224(d) => d.clone().finalize().to_vec(),
            Sha256(d) => d.clone().finalize().to_vec(),
            Sha384(d) => d.clone().finalize().to_vec(),
            Sha512(d) => d.clone().finalize().to_vec(),
            Sha3_224(d) => d.clone().finalize().to_vec(),
            Sha3_256(d) => d.clone().finalize().to_vec(),
            Sha3_384(d) => d.clone().finalize().to_vec(),
            Sha3_512(d) => d.clone().finalize().to_vec(),
            Blake2b(d) => d.finish(),
            Blake2s(d) => d.finish(),
        }
    }
}

/// A digest; its own mutex, because two threads may feed it while neither has the interpreter lock.
type Hasher = Arc<Mutex<Algorithm>>;

fn fed(c: &mut Call, mut a: Algorithm, data: Vec<u8>) -> Value {
    let a = computed(c, data.len(), move || {
        a.update(&data);
        a
    });
    let hasher: Hasher = Arc::new(Mutex::new(a));
    state(c, TypeId::Hasher, hasher)
}

/// Bytes to hash; text has to be encoded first.
fn data(c: &mut Call, i: usize) -> Res<Vec<u8>> {
    let v = c.arg(i);
    if text(&v).is_some() {
        return Err(c.type_error("Strings must be encoded before hashing"));
    }
    match c.bytes_like(&v) {
        Some(b) => Ok(b),
        None => Err(c.type_error("object supporting the buffer API required")),
    }
}

fn new(c: &mut Call) -> Res<Value> {
    let name = c.arg(0);
    let Some(a) = Algorithm::named(c.expect_str(&name, "the name of a digest")?) else {
        return Ok(Value::None);
    };
    let data = if c.opt(1).is_some() { data(c, 1)? } else { vec![] };
    Ok(fed(c, a, data))
}

fn blake2(c: &mut Call) -> Res<Value> {
    use super::blake2::{Blake2b as B, Blake2s as S};
    let name = c.arg(0);
    let big = text(&name) == Some("blake2b");
    let data = data(c, 1)?;
    let size = c.arg(2);
    let size = c.index(&size)?;
    let (key, salt, person) = (bytes(c, 3)?, bytes(c, 4)?, bytes(c, 5)?);
    let (size_max, salt_max) = if big { (B::SIZE_MAX, B::SALT_MAX) } else { (S::SIZE_MAX, S::SALT_MAX) };
    let Some(size) = usize::try_from(size).ok().filter(|n| (1..=size_max).contains(n)) else {
        return Err(c.value_error(format!("digest_size must be between 1 and {size_max} bytes")));
    };
    for (what, b, most) in [("salt", &salt, salt_max), ("person", &person, salt_max), ("key", &key, size_max)] {
        if b.len() > most {
            return Err(c.value_error(format!("maximum {what} length is {most} bytes")));
        }
    }
    let a = match big {
        true => Blake2b(Box::new(B::new(size, &key, &salt, &person))),
        false => Blake2s(Box::new(S::new(size, &key, &salt, &person))),
    };
    Ok(fed(c, a, data))
}

fn own(c: &mut Call) -> Res<Hasher> {
    this(c, "digest", |h: &mut Hasher| h.clone())
}

fn update(c: &mut Call) -> Res<Value> {
    let (hasher, data) = (own(c)?, data(c, 1)?);
    computed(c, data.len(), move || hasher.lock().update(&data));
    Ok(Value::None)
}

fn finished(c: &mut Call) -> Res<Vec<u8>> {
    let hasher = own(c)?;
    let free = matches!(&*hasher.lock(), Shake128(_) | Shake256(_));
    let name = c.row.name;
    let length = match (free, c.some(1)) {
        (true, None) => return Err(c.type_error(format!("{name}() missing required argument 'length' (pos 1)"))),
        (true, Some(v)) => {
            let n = c.index(&v)?;
            match usize::try_from(n) {
                Ok(n) if n < 1 << 29 => n,
                Ok(_) => return Err(c.value_error("length is too large")),
                Err(_) => return Err(c.value_error("value must be positive")),
            }
        }
        (false, Some(_)) => return Err(c.type_error(format!("{name}() takes no arguments (1 given)"))),
        (false, None) => 0,
    };
    c.room(length)?;
    Ok(computed(c, length, move || hasher.lock().finish(length)))
}

fn digest(c: &mut Call) -> Res<Value> {
    let d = finished(c)?;
    Ok(c.bytes(d))
}

fn hexdigest(c: &mut Call) -> Res<Value> {
    let d = finished(c)?;
    Ok(c.string(crate::object::pure::bytes::to_hex(&d, None, 1)))
}

fn copy(c: &mut Call) -> Res<Value> {
    let copy: Hasher = Arc::new(Mutex::new(own(c)?.lock().clone()));
    Ok(state(c, TypeId::Hasher, copy))
}

//! `_zlib`: compression and checksums. More than 2 KB are worked on with the lock released (D1).
//!
//! A stream's state has a mutex of its own: two threads may feed one stream while neither has the
//! interpreter lock. `wbits` says the format as zlib does: negative raw, above 24 gzip, else zlib.

use super::{bytes, computed, state, this};
use crate::natives;
use crate::object::{TypeId, Value};
use crate::vm::{Call, Res, Thread};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use parking_lot::Mutex;
use std::sync::Arc;

natives! { pub ZLIB, "_zlib";
    /// Bytes compressed at a level from 0 to 9 (-1: 6). `error` is the class that is raised.
    computes compress("error, data, level, wbits, /") = compress;
    /// Compressed bytes as they were: the pair of them and what lay behind the stream.
    computes decompress("error, data, wbits, /") = decompress;
    /// The CRC-32 of bytes, going on from `value`.
    computes crc32("data, value=0, /") = crc32;
    /// The Adler-32 checksum of bytes, going on from `value`.
    computes adler32("data, value=1, /") = adler32;
    /// A stream that compresses.
    holds deflater("level, wbits, /") = deflater;
    /// A stream that decompresses.
    holds inflater("error, wbits, /") = inflater;
}

natives! { pub DEFLATER, method "Compress";
    /// Compresses more bytes; gives what is ready.
    computes compress("data, /") = feed;
    /// Gives what is still to come. Mode 4 ends the stream.
    computes flush("mode=4, /") = flush;
}

natives! { pub INFLATER, method "Decompress";
    /// Decompresses more bytes (at most `max_length` of output, 0: all): the triple of the output, the input not
    /// used yet, and whether the stream has ended. `error` is the class that is raised.
    computes decompress("error, data, max_length, /") = grow;
}

fn level(th: &mut Thread, v: &Value) -> Res<Compression> {
    match th.index(v)? {
        -1 => Ok(Compression::default()),
        n @ 0..=9 => Ok(Compression::new(n as u32)),
        _ => Err(th.value_error("Bad compression level")),
    }
}

/// Raw streams have no head; gzip's is written and read in Kit around a raw one.
fn with_head(th: &mut Thread, v: &Value) -> Res<bool> {
    match th.index(v)? {
        -15..=-8 => Ok(false),
        0 | 8..=15 => Ok(true),
        n => Err(th.value_error(format!("Kit's zlib reads and writes wbits -15 to -8 and 8 to 15, not {n}"))),
    }
}

fn deflate(z: &mut Compress, mut data: &[u8], flush: FlushCompress) -> Vec<u8> {
    let mut out = Vec::with_capacity(data.len() / 2 + 64);
    loop {
        let before = z.total_in();
        let status = z.compress_vec(data, &mut out, flush);
        data = &data[(z.total_in() - before) as usize..];
        let full = out.len() == out.capacity();
        let done = match flush {
            FlushCompress::Finish => matches!(status, Ok(Status::StreamEnd) | Err(_)),
            _ => data.is_empty() && !full,
        };
        if done {
            return out;
        }
        out.reserve(out.len().max(256));
    }
}

/// What became of input: the output, how much was used, whether the stream has ended.
struct Inflated {
    out: Vec<u8>,
    used: usize,
    ended: bool,
}

fn inflate(z: &mut Decompress, data: &[u8], most: usize) -> Result<Inflated, String> {
    let mut out = Vec::with_capacity(data.len().saturating_mul(3).clamp(256, 1 << 20).min(most.max(1)));
    let (mut used, mut ended) = (0, false);
    while !ended && out.len() < most {
        let (before, had) = (z.total_in(), out.len());
        let status = z.decompress_vec(&data[used..], &mut out, FlushDecompress::None);
        used += (z.total_in() - before) as usize;
        match status {
            Ok(Status::StreamEnd) => ended = true,
            Ok(_) if out.len() == out.capacity() => out.reserve_exact(out.len().max(256).min(most - out.len())),
            Ok(_) if used == data.len() || out.len() == had => break,
            Ok(_) => {}
            Err(_) => return Err(reason(data).into()),
        }
    }
    out.truncate(most);
    Ok(Inflated { out, used, ended })
}

/// zlib's words, as far as the head tells; the crate does not say more.
fn reason(data: &[u8]) -> &'static str {
    match data {
        [a, b, ..] if (u32::from(*a) << 8 | u32::from(*b)) % 31 != 0 || a & 15 != 8 => "incorrect header check",
        _ => "invalid data",
    }
}

fn fail<T>(th: &mut Thread, class: &Value, message: &str) -> Res<T> {
    let message = th.str(message);
    let e = th.call(class, &[message])?;
    Err(th.raise_value(e))
}

fn compress(c: &mut Call) -> Res<Value> {
    let data = bytes(c, 1)?;
    let (l, w) = (c.arg(2), c.arg(3));
    let (l, head) = (level(c, &l)?, with_head(c, &w)?);
    let out = computed(c, data.len(), move || deflate(&mut Compress::new(l, head), &data, FlushCompress::Finish));
    Ok(c.bytes(out))
}

fn decompress(c: &mut Call) -> Res<Value> {
    let (class, data, w) = (c.arg(0), bytes(c, 1)?, c.arg(2));
    let head = with_head(c, &w)?;
    let (data, result) = computed(c, data.len(), move || {
        let r = inflate(&mut Decompress::new(head), &data, usize::MAX >> 1);
        (data, r)
    });
    match result {
        Ok(i) if i.ended => {
            let (out, rest) = (c.bytes(i.out), c.bytes(&data[i.used..]));
            Ok(c.tuple(vec![out, rest]))
        }
        Ok(_) => fail(c, &class, "Error -5 while decompressing data: incomplete or truncated stream"),
        Err(why) => fail(c, &class, &format!("Error -3 while decompressing data: {why}")),
    }
}

fn start(c: &mut Call, absent: u32) -> Res<u32> {
    match c.opt(1) {
        None => Ok(absent),
        Some(v) => Ok(c.index(&v)? as u32),
    }
}

fn crc32(c: &mut Call) -> Res<Value> {
    let (data, value) = (bytes(c, 0)?, start(c, 0)?);
    let n = computed(c, data.len(), move || {
        let mut h = crc32fast::Hasher::new_with_initial(value);
        h.update(&data);
        h.finalize()
    });
    Ok(Value::Int(n.into()))
}

fn adler32(c: &mut Call) -> Res<Value> {
    let (data, value) = (bytes(c, 0)?, start(c, 1)?);
    let n = computed(c, data.len(), move || {
        let (mut a, mut b) = (value & 0xffff, value >> 16);
        // So many bytes can be summed before the remainder is due.
        for chunk in data.chunks(5552) {
            for x in chunk {
                a += u32::from(*x);
                b += a;
            }
            a %= 65521;
            b %= 65521;
        }
        (b << 16) | a
    });
    Ok(Value::Int(n.into()))
}

type Deflater = Arc<Mutex<Compress>>;
type Inflater = Arc<Mutex<Decompress>>;

fn deflater(c: &mut Call) -> Res<Value> {
    let (l, w) = (c.arg(0), c.arg(1));
    let (l, head) = (level(c, &l)?, with_head(c, &w)?);
    let z: Deflater = Arc::new(Mutex::new(Compress::new(l, head)));
    Ok(state(c, TypeId::Deflater, z))
}

fn inflater(c: &mut Call) -> Res<Value> {
    let w = c.arg(1);
    let head = with_head(c, &w)?;
    let z: Inflater = Arc::new(Mutex::new(Decompress::new(head)));
    Ok(state(c, TypeId::Inflater, z))
}

fn feed(c: &mut Call) -> Res<Value> {
    let z = this(c, "stream", |z: &mut Deflater| z.clone())?;
    let data = bytes(c, 1)?;
    let out = computed(c, data.len(), move || deflate(&mut z.lock(), &data, FlushCompress::None));
    Ok(c.bytes(out))
}

fn flush(c: &mut Call) -> Res<Value> {
    let z = this(c, "stream", |z: &mut Deflater| z.clone())?;
    let mode = match c.opt(1) {
        None => 4,
        Some(v) => c.index(&v)?,
    };
    let mode = match mode {
        0 => return Ok(c.bytes([])),
        2 => FlushCompress::Sync,
        3 => FlushCompress::Full,
        4 => FlushCompress::Finish,
        _ => return Err(c.value_error("invalid flush option")),
    };
    let out = c.held.outside(move || deflate(&mut z.lock(), &[], mode));
    Ok(c.bytes(out))
}

fn grow(c: &mut Call) -> Res<Value> {
    let z = this(c, "stream", |z: &mut Inflater| z.clone())?;
    let (class, data, most) = (c.arg(1), bytes(c, 2)?, c.arg(3));
    let most = match c.index(&most)? {
        n if n < 0 => return Err(c.value_error("max_length must be non-negative")),
        0 => usize::MAX >> 1,
        n => n as usize,
    };
    let (data, result) = computed(c, data.len(), move || {
        let r = inflate(&mut z.lock(), &data, most);
        (data, r)
    });
    match result {
        Ok(i) => {
            let (out, rest) = (c.bytes(i.out), c.bytes(&data[i.used..]));
            Ok(c.tuple(vec![out, rest, Value::bool(i.ended)]))
        }
        Err(why) => fail(c, &class, &format!("Error -3 while decompressing data: {why}")),
    }
}

//! Bodies that travel compressed.

use super::failure::{Failure, FailureKind};
use flate2::write::{DeflateDecoder, GzDecoder, ZlibDecoder};
use std::io::{self, Write};

/// Undoes a Content-Encoding piece by piece.
pub enum Decoder {
    Plain,
    Gzip(Box<GzDecoder<Vec<u8>>>),
    /// "deflate" before its first byte: some servers send it with the frame that the word means, some without.
    Deflate,
    Zlib(Box<ZlibDecoder<Vec<u8>>>),
    Raw(Box<DeflateDecoder<Vec<u8>>>),
}

impl Decoder {
    /// By the header's text. An encoding that nobody asked for stays as it is.
    pub fn of(encoding: Option<&str>) -> Decoder {
        match encoding.map(|e| e.trim().to_ascii_lowercase()).as_deref() {
            Some("gzip" | "x-gzip") => Decoder::Gzip(Box::new(GzDecoder::new(Vec::new()))),
            Some("deflate") => Decoder::Deflate,
            _ => Decoder::Plain,
        }
    }

    /// Appends what a piece of the body stands for.
    pub fn feed(&mut self, piece: &[u8], out: &mut Vec<u8>) -> Result<(), Failure> {
        if let (Decoder::Deflate, Some(first)) = (&*self, piece.first()) {
            // A zlib header's lower half byte says "deflate" (8).
            *self = match first & 0x0f {
                8 => Decoder::Zlib(Box::new(ZlibDecoder::new(Vec::new()))),
                _ => Decoder::Raw(Box::new(DeflateDecoder::new(Vec::new()))),
            };
        }
        let decoded = match self {
            Decoder::Plain => {
                out.extend_from_slice(piece);
                return Ok(());
            }
            Decoder::Deflate => return Ok(()),
            Decoder::Gzip(d) => d.write_all(piece).and_then(|()| d.flush()).map(|()| std::mem::take(d.get_mut())),
            Decoder::Zlib(d) => d.write_all(piece).and_then(|()| d.flush()).map(|()| std::mem::take(d.get_mut())),
            Decoder::Raw(d) => d.write_all(piece).and_then(|()| d.flush()).map(|()| std::mem::take(d.get_mut())),
        };
        out.extend(decoded.map_err(wrong)?);
        Ok(())
    }

    /// The body is over; appends what is left of it.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), Failure> {
        let left = match std::mem::replace(self, Decoder::Plain) {
            Decoder::Plain | Decoder::Deflate => return Ok(()),
            // A body without a byte (an answer to HEAD) is no fault.
            Decoder::Gzip(d) if d.header().is_none() => return Ok(()),
            Decoder::Gzip(d) => d.finish(),
            Decoder::Zlib(d) => d.finish(),
            Decoder::Raw(d) => d.finish(),
        };
        out.extend(left.map_err(wrong)?);
        Ok(())
    }
}

fn wrong(error: io::Error) -> Failure {
    Failure::new(FailureKind::Encoding, error.to_string())
}

/// Compresses a body as gzip; the same bytes each time.
pub fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    // Writing to memory does not fail.
    let _ = encoder.write_all(body);
    encoder.finish().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Decoder, gzip};
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, ZlibEncoder};
    use std::io::Write;

    fn decoded(encoding: &str, body: &[u8], size: usize) -> Option<Vec<u8>> {
        let (mut decoder, mut out) = (Decoder::of(Some(encoding)), Vec::new());
        for piece in body.chunks(size) {
            decoder.feed(piece, &mut out).ok()?;
        }
        decoder.finish(&mut out).ok()?;
        Some(out)
    }

    #[test]
    fn bodies_come_out_whole_however_they_are_cut() {
        let text = b"many words, many words, many words".repeat(50);
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::fast());
        zlib.write_all(&text).expect("memory");
        let mut raw = DeflateEncoder::new(Vec::new(), Compression::fast());
        raw.write_all(&text).expect("memory");
        let (zlib, raw) = (zlib.finish().expect("memory"), raw.finish().expect("memory"));
        for size in [1, 7, 1000] {
            for (encoding, body) in [("gzip", &gzip(&text)), ("deflate", &zlib), ("deflate", &raw), ("br", &text)] {
                assert_eq!(decoded(encoding, body, size).as_deref(), Some(&text[..]), "{encoding} by {size}");
            }
        }
        assert_eq!(decoded("gzip", b"this is not compressed", 100), None);
        assert_eq!(decoded("gzip", b"", 1), Some(vec![]));
    }
}

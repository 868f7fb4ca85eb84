//! `_base64`: the one encoding of `base64` that is used on large data.

use super::{bytes, computed};
use crate::natives;
use crate::object::Value;
use crate::vm::{Call, Res};

natives! { pub BASE64, "_base64";
    /// Bytes as letters, four for three bytes.
    computes encode("data, /") = encode;
    /// Letters as bytes. Other characters are skipped, or with `validate` refused, with the class `error`.
    holds decode("data, validate, error, /") = decode;
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn encode(c: &mut Call) -> Res<Value> {
    let data = bytes(c, 0)?;
    let out = computed(c, data.len(), move || {
        let mut out = Vec::with_capacity(data.len().div_ceil(3) * 4);
        for chunk in data.chunks(3) {
            let n = chunk.iter().fold(0u32, |n, b| (n << 8) | u32::from(*b)) << (8 * (3 - chunk.len()));
            for i in 0..4 {
                let letter = LETTERS[(n >> (18 - 6 * i)) as usize & 63];
                out.push(if i <= chunk.len() { letter } else { b'=' });
            }
        }
        out
    });
    Ok(c.bytes(out))
}

fn decode(c: &mut Call) -> Res<Value> {
    let (data, class) = (bytes(c, 0)?, c.arg(2));
    let validate = c.arg(1);
    let validate = c.truth(&validate)?;
    let (mut out, mut word, mut have, mut pads) = (Vec::with_capacity(data.len() / 4 * 3), 0u32, 0usize, 0usize);
    let mut fault = None;
    if validate && data.first() == Some(&b'=') {
        fault = Some("Leading padding not allowed");
    }
    for (i, b) in data.iter().enumerate() {
        if fault.is_some() {
            break;
        }
        if *b == b'=' {
            pads += 1;
            if have >= 2 && have + pads >= 4 {
                // A quad is complete: in the strict reading nothing may follow it.
                if validate && i + 1 < data.len() {
                    fault = Some("Excess data after padding");
                }
                have = 0;
                break;
            }
            continue;
        }
        let Some(value) = LETTERS.iter().position(|l| l == b) else {
            if validate {
                fault = Some("Only base64 data is allowed");
            }
            continue;
        };
        if validate && pads > 0 {
            fault = Some("Discontinuous padding not allowed");
            continue;
        }
        pads = 0;
        word = (word << 6) | value as u32;
        have += 1;
        match have {
            2 => out.push((word >> 4) as u8),
            3 => out.push((word >> 2) as u8),
            4 => {
                out.push(word as u8);
                (word, have) = (0, 0);
            }
            _ => {}
        }
    }
    let text = match (fault, have) {
        (Some(text), _) => text.to_string(),
        (None, 0) => return Ok(c.bytes(out)),
        (None, 1) => format!(
            "Invalid base64-encoded string: number of data characters ({}) cannot be 1 more than a multiple of 4",
            out.len() / 3 * 4 + 1
        ),
        (None, _) => "Incorrect padding".into(),
    };
    let text = c.str(&text);
    let e = c.call(&class, &[text])?;
    Err(c.raise_value(e))
}

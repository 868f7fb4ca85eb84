//! UTF-16 and UTF-32: characters as units of two or four bytes, in either order.

use super::codec::Encoding;

/// The order of the bytes of a unit; `Marked`: little-endian behind a mark, or as the mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    Marked,
    Little,
    Big,
}

/// A step of decoding: a character and its length, or how many bytes are wrong and why.
pub type Step = Result<(char, usize), (usize, &'static str)>;

/// The encoding of this plain name, if it is one of these.
pub fn named(plain: &str) -> Option<Encoding> {
    Some(match plain {
        "utf_16" | "utf16" | "u16" => Encoding::Utf16(Order::Marked),
        "utf_16_le" | "utf_16le" => Encoding::Utf16(Order::Little),
        "utf_16_be" | "utf_16be" => Encoding::Utf16(Order::Big),
        "utf_32" | "utf32" | "u32" => Encoding::Utf32(Order::Marked),
        "utf_32_le" | "utf_32le" => Encoding::Utf32(Order::Little),
        "utf_32_be" | "utf_32be" => Encoding::Utf32(Order::Big),
        _ => return None,
    })
}

/// The text with its mark, if the order asks for one.
pub fn encode(text: &str, width: usize, order: Order) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() * 2 + 4);
    let mut unit = |n: u32| match order {
        Order::Big => out.extend(&n.to_be_bytes()[4 - width..]),
        _ => out.extend(&n.to_le_bytes()[..width]),
    };
    if order == Order::Marked {
        unit(0xfeff);
    }
    for c in text.chars() {
        if width == 4 {
            unit(c as u32);
        } else {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|&u| unit(u.into()));
        }
    }
    out
}

/// How long the mark is, and the order that it tells.
pub fn marked(data: &[u8], width: usize, order: Order) -> (usize, Order) {
    if order != Order::Marked || data.len() < width {
        return (0, order);
    }
    match (unit(data, width, Order::Little), unit(data, width, Order::Big)) {
        (0xfeff, _) => (width, Order::Little),
        (_, 0xfeff) => (width, Order::Big),
        _ => (0, Order::Little),
    }
}

fn unit(data: &[u8], width: usize, order: Order) -> u32 {
    let join = |n: u32, &byte: &u8| n << 8 | u32::from(byte);
    let unit = &data[..width];
    if order == Order::Big { unit.iter().fold(0, join) } else { unit.iter().rev().fold(0, join) }
}

/// The first character of `data`, which is not empty.
pub fn step(data: &[u8], width: usize, order: Order) -> Step {
    if data.len() < width {
        return Err((data.len(), "truncated data"));
    }
    let first = unit(data, width, order);
    if let Some(c) = char::from_u32(first) {
        return Ok((c, width));
    }
    if width == 4 {
        let surrogate = (0xd800..0xe000).contains(&first);
        let why = if surrogate {
            "code point in surrogate code point range(0xd800, 0xe000)"
        } else {
            "code point not in range(0x110000)"
        };
        return Err((4, why));
    }
    if first >= 0xdc00 {
        return Err((2, "illegal encoding"));
    }
    if data.len() < 4 {
        return Err((data.len(), "unexpected end of data"));
    }
    let second = unit(&data[2..], 2, order);
    if !(0xdc00..0xe000).contains(&second) {
        return Err((2, "illegal UTF-16 surrogate"));
    }
    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    char::from_u32(code).map(|c| (c, 4)).ok_or((4, "illegal encoding"))
}

//! Padding to a width.

use super::{LENGTH_MAX, len};
use crate::object::pure::{PureError, Result, room};

/// The argument `fillchar` of `center`, `ljust` and `rjust`.
pub fn fill_char(text: &str) -> Result<char> {
    let mut chars = text.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) => Ok(c),
        _ => Err(PureError::type_("The fill character must be exactly one character long")),
    }
}

/// How much is missing to `width`, and the width itself.
fn missing(text: &str, width: i64) -> Result<(usize, usize)> {
    let width = usize::try_from(width).unwrap_or(0);
    if width > LENGTH_MAX {
        return Err(PureError::memory());
    }
    room(width.saturating_mul(2))?;
    Ok((width.saturating_sub(len(text)), width))
}

fn padded(text: &str, before: usize, after: usize, fill: char) -> String {
    let mut out = String::with_capacity(text.len() + (before + after) * fill.len_utf8());
    out.extend(std::iter::repeat_n(fill, before));
    out.push_str(text);
    out.extend(std::iter::repeat_n(fill, after));
    out
}

/// An odd margin leaves its extra column on the left when the width is odd.
pub fn center(text: &str, width: i64, fill: char) -> Result<String> {
    let (margin, width) = missing(text, width)?;
    let before = margin / 2 + (margin & width & 1);
    Ok(padded(text, before, margin - before, fill))
}

pub fn ljust(text: &str, width: i64, fill: char) -> Result<String> {
    Ok(padded(text, 0, missing(text, width)?.0, fill))
}

pub fn rjust(text: &str, width: i64, fill: char) -> Result<String> {
    Ok(padded(text, missing(text, width)?.0, 0, fill))
}

/// Zeros between a sign and the rest.
pub fn zfill(text: &str, width: i64) -> Result<String> {
    let zeros = "0".repeat(missing(text, width)?.0);
    let (sign, rest) = text.split_at(usize::from(text.starts_with(['+', '-'])));
    Ok(format!("{sign}{zeros}{rest}"))
}

/// Tabs become blanks up to the next multiple of `tabsize` columns; a line end starts the columns anew.
pub fn expandtabs(text: &str, tabsize: i64) -> Result<String> {
    let tabsize = usize::try_from(tabsize).unwrap_or(0);
    // No tab takes more, so what fits like this needs no second look.
    let most = text.matches('\t').count().saturating_mul(tabsize).saturating_add(text.len());
    room(most)?;
    let mut out = String::with_capacity(text.len());
    let mut column = 0;
    for c in text.chars() {
        match c {
            '\t' if tabsize > 0 => {
                let blanks = tabsize - column % tabsize;
                out.extend(std::iter::repeat_n(' ', blanks));
                column += blanks;
            }
            '\t' => {}
            '\n' | '\r' => {
                out.push(c);
                column = 0;
            }
            _ => {
                out.push(c);
                column += 1;
            }
        }
    }
    Ok(out)
}

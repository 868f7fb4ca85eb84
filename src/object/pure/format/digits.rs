//! A finite or infinite float in one of the forms `e f g r`, as CPython's `PyOS_double_to_string` gives it.

use super::LENGTH_MAX;
use crate::object::pure::float::{Digits, shortest};
use crate::object::pure::{PureError, Result};

/// No float has more digits than this after its point, so further places are zeros.
const PLACES_MAX: usize = 1100;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// One digit, point, `precision` digits, exponent.
    Exponent,
    /// `precision` digits after the point.
    Fixed,
    /// `precision` digits in all, as `Fixed` or `Exponent` by size, without trailing zeros.
    General,
    /// The shortest that reads back.
    Repr,
}

#[derive(Clone, Copy)]
pub(super) struct Style {
    pub form: Form,
    pub precision: usize,
    /// `#`: keep the point and the zeros.
    pub alternate: bool,
    /// At least one digit after the point when there is no exponent.
    pub dot_zero: bool,
    /// `z`: a negative that rounds to zero loses its sign.
    pub no_negative_zero: bool,
    pub upper: bool,
}

/// The sign apart from the text.
pub(super) fn write(x: f64, style: Style) -> Result<(bool, String)> {
    if style.precision > LENGTH_MAX {
        return Err(PureError::memory());
    }
    let mut negative = x.is_sign_negative() && !x.is_nan();
    let text = if x.is_nan() {
        "nan".to_owned()
    } else if x.is_infinite() {
        "inf".to_owned()
    } else {
        let digits = digits_of(x.abs(), style);
        if style.no_negative_zero && digits.text.bytes().all(|d| d == b'0') {
            negative = false;
        }
        lay_out(digits, style)
    };
    Ok((negative, if style.upper { text.to_uppercase() } else { text }))
}

/// The digits a form needs, without padding zeros at the end.
fn digits_of(x: f64, style: Style) -> Digits {
    match style.form {
        Form::Repr => shortest(x),
        Form::Exponent => exponent_digits(x, style.precision),
        Form::General => {
            let mut digits = exponent_digits(x, style.precision.saturating_sub(1));
            let kept = digits.text.trim_end_matches('0').len().max(1);
            digits.text.truncate(kept);
            digits
        }
        Form::Fixed => {
            let text = format!("{:.*}", style.precision.min(PLACES_MAX), x);
            let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
            let whole = whole.trim_start_matches('0');
            Digits { text: format!("{whole}{fraction}"), point: whole.len() as i32 }
        }
    }
}

fn exponent_digits(x: f64, precision: usize) -> Digits {
    let text = format!("{:.*e}", precision.min(PLACES_MAX), x);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    Digits { text: mantissa.replace('.', ""), point: if x == 0.0 { 1 } else { point } }
}

fn lay_out(digits: Digits, style: Style) -> String {
    let Digits { text, point } = digits;
    let precision = style.precision;
    let exponent = match style.form {
        Form::Exponent => true,
        Form::Fixed => false,
        Form::Repr => point <= -4 || point > 16,
        Form::General => point <= -4 || i64::from(point) > precision.max(1) as i64 - i64::from(style.dot_zero),
    };
    // How many digits the text shows, counted from the first.
    let wanted = match style.form {
        Form::Exponent => precision + 1,
        Form::Fixed => (i64::from(point) + precision as i64).max(0) as usize,
        Form::General if style.alternate => precision.max(1),
        _ => text.len(),
    };
    let mut out = String::with_capacity(wanted + 8);
    let point_shown = if exponent { 1 } else { point };
    let padded = |from: usize, to: usize, out: &mut String| {
        let have = text.len();
        out.push_str(&text[from.min(have)..to.min(have)]);
        out.extend(std::iter::repeat_n('0', to.saturating_sub(from.max(have))));
    };
    if point_shown <= 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', point_shown.unsigned_abs() as usize));
        padded(0, wanted, &mut out);
    } else {
        let whole = point_shown as usize;
        padded(0, whole, &mut out);
        out.push('.');
        padded(whole, wanted.max(whole), &mut out);
        if style.dot_zero && !exponent && wanted <= whole {
            out.push('0');
        }
    }
    if out.ends_with('.') && !style.alternate {
        out.pop();
    }
    if exponent {
        let power = point - 1;
        let mark = if power < 0 { '-' } else { '+' };
        out.push_str(&format!("e{mark}{:02}", power.abs()));
    }
    out
}

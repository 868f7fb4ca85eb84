//! Lengths of time as scripts give them: seconds, to whole nanoseconds.

use crate::object::pure::int::IntRef;
use crate::object::{TypeId, Value};
use crate::vm::make::{float_of, int_of};
use crate::vm::{Res, Thread};
use crate::world::{Clock, Nanos};

/// Seconds as nanoseconds, to the nearest one; what is not zero does not become zero. (CPython rounds up,
/// which makes 0.1 * 3 one nanosecond longer than 0.3: in simulated time that would tell them apart.)
pub fn nanos(th: &mut Thread, seconds: &Value) -> Res<i64> {
    const TOO_LONG: &str = "timestamp out of range for platform time_t";
    if let Some(x) = float_of(seconds) {
        if x.is_nan() {
            return Err(th.value_error("Invalid value NaN (not a number)"));
        }
        let ns = (x * 1e9).round();
        if ns.abs() >= i64::MAX as f64 {
            return Err(th.raise(TypeId::OverflowError, TOO_LONG));
        }
        return Ok(if ns == 0.0 && x != 0.0 { x.signum() as i64 } else { ns as i64 });
    }
    let whole = match int_of(seconds) {
        Some(IntRef::Small(i)) => Some(i),
        Some(IntRef::Big(_)) => None,
        None => Some(th.index(seconds)?),
    };
    match whole.and_then(|s| s.checked_mul(1_000_000_000)) {
        Some(ns) => Ok(ns),
        None => Err(th.raise(TypeId::OverflowError, TOO_LONG)),
    }
}

/// The moment `length` from now.
pub fn deadline(th: &Thread, length: Nanos) -> Nanos {
    th.held.now(Clock::Monotonic).saturating_add(length)
}

/// A timeout that may be None (for ever) or negative (already over): the moment it ends.
pub fn optional_deadline(th: &mut Thread, timeout: Option<Value>) -> Res<Option<Nanos>> {
    match timeout {
        None => Ok(None),
        Some(v) => {
            let ns = nanos(th, &v)?;
            Ok(Some(deadline(th, u64::try_from(ns).unwrap_or(0))))
        }
    }
}

mod repr;
pub use repr::{ascii, repr};

use super::PureError;

/// A str holds Unicode scalar values only; CPython's also holds lone surrogates.
pub fn surrogate_refused() -> PureError {
    PureError::value("Kit's str cannot hold a surrogate (U+D800 to U+DFFF)")
}

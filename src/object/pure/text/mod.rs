mod repr;
pub use repr::{ascii, repr};

//! Instructions and code.

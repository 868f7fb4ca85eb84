//! Source text to tree.

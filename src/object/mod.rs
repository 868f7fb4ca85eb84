//! Values and objects.
pub mod pure;

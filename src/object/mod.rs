//! Values and objects.

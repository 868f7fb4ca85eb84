//! Values and objects: what scripts hold, how it lies in memory, what the types compute.
//!
//! A `Value` is sixteen bytes (value.rs); what does not fit is an object behind a counted `Ref`
//! (heap.rs). An object's header names its *kind* (kind.rs: which Rust payload) and its *shape*
//! (shape.rs: class and attribute slots). Builtin types are rows of ty.rs. `pure/` holds what the types
//! compute without objects: arithmetic, text, formats, hash tables.
//!
//! Invariants: V1–V3 in value.rs, H1–H7 in heap.rs, K1–K2 in kind.rs, N1 in name.rs, M1 in module.rs,
//! S1–S2 in shape.rs.
//!
//! Not here: anything that may run script code (`__eq__`, `__repr__`, calls): that is `vm`.

pub mod class;
pub mod code;
pub mod dict;
pub mod exception;
pub mod function;
pub mod heap;
pub mod instance;
pub mod iter;
pub mod kind;
pub mod module;
pub mod name;
pub mod opaque;
pub mod pure;
pub mod queue;
pub mod shape;
pub mod ty;
pub mod types;
pub mod value;

pub use heap::{Guarded, HeapRoot, Lasting, Parcel, Ref, Shared};
pub use kind::Kind;
pub use name::Name;
pub use ty::TypeId;
pub use value::Value;

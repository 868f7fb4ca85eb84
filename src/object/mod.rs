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
//! With the lock off threads are at it at the same time. What else would rely on the lock:
//!
//! | what | how it is safe |
//! |---|---|
//! | counts | atomic; functions and classes of a module's own level, code, modules never die (vm/class.rs) |
//! | payloads that change | opened for one look: the busy mark is a lock (H3, H8 in heap/open.rs) |
//! | payloads that do not | read in place (K1); hashes they keep are atomics |
//! | an object's shape and slots | changed in one opening, the shape looked at again inside (vm/slots.rs) |
//! | cache words in code | one atomic word each; what they say is checked against shape or version |
//! | globals, methods, `__init__`s | immortal ones in tables of atomics (`Lasting`); a change takes them out (M2, C1) |
//! | names, shapes, look-ups, modules | tables with a lock each (`Guarded`, name.rs), opened last |
//! | lists of nodes | rings with a lock each; an object knows its own (H7) |
//! | dying, last words, long chains | by whoever let go last, in lists of its thread |
//! | weak references | one mutex; a dying object's count of 0 is final (heap/weak.rs) |
//! | collector, walks over all nodes | the world stands still: `Held::alone` gives the token they want |
//! | iterators, generators | opened before what they iterate; claimed when resumed (vm/generator.rs) |
//! | keys whose `__eq__` is script code | compared with all closed, then done if the version is the same (vm/ops/table.rs) |
//! | registers, frames, exceptions in flight | of one thread only |
//!
//! Not here: anything that may run script code (`__eq__`, `__repr__`, calls): that is `vm`.

pub mod class;
pub mod code;
pub mod deque;
pub mod dict;
pub mod exception;
pub mod function;
pub mod heap;
pub mod instance;
pub mod iter;
pub mod kind;
pub mod lock;
pub mod module;
pub mod name;
pub mod opaque;
pub mod pure;
pub mod queue;
pub mod shape;
pub mod tools;
pub mod ty;
pub mod types;
pub mod value;

pub use heap::{Guarded, HeapRoot, Lasting, Parcel, Ref, Shared};
pub use kind::Kind;
pub use name::Name;
pub use ty::TypeId;
pub use value::Value;

//! The table of object kinds: which Rust payload an object's header says it carries.
//!
//! A *kind* is the native payload, a *shape* (shape.rs) is class and attributes. From a row derive the
//! `Kind` number, the payload's `Payload` impl, its drop, its layout and its visit by the collector.
//! K1: `frozen` payloads are never changed after they are made, so they may be read without opening the
//! object. K2: `node` payloads may refer to objects, so they carry links and can be on a cycle; `leaf`
//! payloads cannot.

use super::heap::Rank;
use super::types::*;
use super::{
    class::Class, code::CodeObj, deque::Deque, dict::*, exception::Exception, function::*, instance::Instance,
    iter::Iter, module::Module, opaque::Opaque, queue::SimpleQueue,
};

/// Calls `$then!` with all rows: name, payload type, frozen or open, leaf or node.
macro_rules! for_each_kind {
    ($then:ident) => {
        $then! {
            /// An int beyond 64 bits.
            BigInt BigIntObj frozen leaf
            /// A float of a derived class.
            Float FloatObj frozen leaf
            Str Str frozen leaf
            Bytes Bytes frozen leaf
            ByteArray ByteArray open leaf
            Tuple Tuple frozen node
            Range Range frozen leaf
            /// A range with a bound or a length beyond 64 bits.
            LongRange LongRange frozen leaf
            Slice Slice frozen node
            /// Code bound to a module: constants as values, caches of this interpreter.
            Code CodeObj frozen node
            List List open node
            Dict Dict open node
            Set Set open node
            FrozenSet FrozenSet frozen node
            /// A variable shared by a function and those nested in it.
            Cell Cell open node
            Function Function open node
            /// A builtin function or method, by its row number.
            Native Native frozen node
            /// A function bound to its first argument.
            Method Method frozen node
            Class Class open node
            /// An instance of a script class: class word and trailing slots.
            Instance Instance open node
            Exception Exception open node
            Module Module open node
            Generator Generator open node
            /// What `await` delegates to for an operation of an asynchronous generator.
            Awaiter Awaiter open node
            /// All builtin iterators; the type's name is the variant's.
            Iter Iter open node
            /// keys(), values(), items() of a dict.
            View View frozen node
            /// property, classmethod, staticmethod.
            Descriptor Descriptor frozen node
            Super Super frozen node
            /// A native state that only its module knows: locks, files, events.
            Opaque Opaque open node
            SimpleQueue SimpleQueue open node
            /// Lock and RLock.
            Lock Lock open node
            Deque Deque open node
        }
    };
}
pub(crate) use for_each_kind;

macro_rules! make_kinds {
    ($($(#[$doc:meta])* $name:ident $payload:ident $mode:ident $links:ident)*) => {
        /// The native payload of an object.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $name),* }

        impl Kind {
            /// All kinds in the order of their numbers.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];
            /// May objects of this kind be part of a cycle (K2)?
            #[inline(always)]
            pub const fn is_node(self) -> bool {
                const NODE: &[bool] = &[$(make_kinds!(@node $links)),*];
                NODE[self as usize]
            }
        }
        impl Kind {
            /// When it may be opened while something else is open (H8).
            pub(crate) const fn rank(self) -> Rank {
                if matches!(self, Kind::Iter) { Rank::Iter } else { Rank::Object }
            }
        }
        $(
            impl Payload for $payload {
                const KIND: Kind = Kind::$name;
            }
            make_kinds!(@frozen $mode $payload);
        )*
    };
    (@node node) => { true };
    (@node leaf) => { false };
    (@frozen frozen $payload:ident) => { impl Frozen for $payload {} };
    (@frozen open $payload:ident) => {};
}

/// A type that can be an object's payload.
pub trait Payload: Trace + Sized + 'static {
    const KIND: Kind;
}

/// A payload that never changes (K1).
pub trait Frozen: Payload {}

/// How the collector sees into a payload.
pub trait Trace {
    /// Calls `f` for each object that this payload refers to, once per counted reference.
    fn trace(&self, f: &mut dyn FnMut(&super::heap::Ref));
    /// Gives up all references, to break a dead cycle. The payload is not used afterwards.
    fn clear(&mut self);
}

for_each_kind!(make_kinds);

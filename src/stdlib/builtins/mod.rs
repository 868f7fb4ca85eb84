//! The builtins module: functions, constructors of the builtin types, names.

pub mod attributes;
pub mod descriptors;
pub mod iteration;
pub mod new;
pub mod new_data;
pub mod numbers;
pub mod print;
pub mod refused;

use super::set_in;
use crate::object::{Ref, TypeId, Value};
use crate::vm::{NativeRow, Thread};

/// The tables of this folder.
pub fn tables() -> [&'static [NativeRow]; 10] {
    [
        attributes::ATTRIBUTES,
        descriptors::MEMBER,
        descriptors::PROPERTY,
        iteration::ITERATION,
        new::NEW,
        new_data::NEW,
        numbers::NUMBERS,
        print::PRINT,
        refused::REFUSED,
        print::TEXT,
    ]
}

/// Builtin types that scripts find by name; the exceptions are all found.
const NAMED: &[TypeId] = &[
    TypeId::Object,
    TypeId::Type,
    TypeId::Int,
    TypeId::Bool,
    TypeId::Float,
    TypeId::Str,
    TypeId::Bytes,
    TypeId::ByteArray,
    TypeId::Tuple,
    TypeId::List,
    TypeId::Dict,
    TypeId::Set,
    TypeId::FrozenSet,
    TypeId::Range,
    TypeId::Slice,
    TypeId::Property,
    TypeId::ClassMethod,
    TypeId::StaticMethod,
    TypeId::Super,
    TypeId::Enumerate,
    TypeId::Zip,
    TypeId::Map,
    TypeId::Filter,
    TypeId::Reversed,
];

/// Adds to the builtins module what is not a native function.
pub fn install(th: &mut Thread, builtins: &Ref) {
    for &t in TypeId::ALL {
        if NAMED.contains(&t) || t.derives(TypeId::BaseException) {
            let class = th.interp.class(&th.held, t).clone();
            set_in(th, builtins, t.name(), class);
        }
    }
    for alias in ["EnvironmentError", "IOError"] {
        let class = th.interp.class(&th.held, TypeId::OSError).clone();
        set_in(th, builtins, alias, class);
    }
    let fixed = th.interp.fixed(&th.held);
    let (not_implemented, ellipsis) = (fixed.not_implemented.clone(), fixed.ellipsis.clone());
    set_in(th, builtins, "NotImplemented", not_implemented);
    set_in(th, builtins, "Ellipsis", ellipsis);
    set_in(th, builtins, "__debug__", true);
    let name = th.str("builtins");
    set_in(th, builtins, "__name__", name);
    let this: Value = builtins.clone().into();
    drop(th.interp.modules.with(&th.held, |all| all.set(crate::object::name::BUILTINS, this)));
    set_in(th, builtins, "None", Value::None);
    set_in(th, builtins, "True", true);
    set_in(th, builtins, "False", false);
}

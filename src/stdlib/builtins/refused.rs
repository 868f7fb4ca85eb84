//! Builtins of CPython that Kit leaves out: each says so by name when it is called.

use crate::natives;
use crate::object::{TypeId, Value};
use crate::vm::{Call, Res};

natives! { pub REFUSED, "builtins";
    /// Not in Kit: text is not run as code.
    holds eval("*args, **kwargs") = no_code;
    /// Not in Kit: text is not run as code.
    holds exec("*args, **kwargs") = no_code;
    /// Not in Kit: text is not run as code.
    holds compile("*args, **kwargs") = no_code;
    /// Not in Kit: there are no complex numbers.
    holds complex("*args, **kwargs") = no_complex;
    /// Not in Kit: slice bytes instead.
    holds memoryview("obj, /") = no_memoryview;
    /// Not in Kit: there is no debugger.
    holds breakpoint("*args, **kwargs") = no_breakpoint;
}

fn refuse(c: &mut Call, why: &str) -> Res<Value> {
    let name = c.row.name;
    Err(c.raise(TypeId::NotImplementedError, format!("Kit has no {name}(): {why}")))
}
fn no_code(c: &mut Call) -> Res<Value> {
    refuse(c, "text is not run as code")
}
fn no_complex(c: &mut Call) -> Res<Value> {
    refuse(c, "there are no complex numbers")
}
fn no_memoryview(c: &mut Call) -> Res<Value> {
    refuse(c, "slice bytes or a bytearray instead")
}
fn no_breakpoint(c: &mut Call) -> Res<Value> {
    refuse(c, "there is no debugger")
}

//! Errors of the operating system as exceptions.

use crate::object::exception::Exception;
use crate::object::{Name, TypeId, Value};
use crate::vm::Thread;
use crate::vm::thread::Raised;
use std::io;

/// The system's words for an error, without the number that Rust adds.
fn strerror(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ").next().unwrap_or(&text).to_string()
}

/// As CPython prints it: `[Errno 2] No such file or directory`.
pub fn text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(errno) => format!("[Errno {errno}] {}", strerror(error)),
        None => error.to_string(),
    }
}

/// Raises the exception for `error`; its text is `[Errno 2] No such file or directory: 'name'`.
pub fn raise(th: &mut Thread, error: &io::Error, filename: Option<&str>) -> Raised {
    raise_between(th, error, filename, None)
}

/// The same for what is between two files.
pub fn raise_between(th: &mut Thread, error: &io::Error, filename: Option<&str>, to: Option<&str>) -> Raised {
    let Some(errno) = error.raw_os_error() else {
        return th.raise(TypeId::OSError, error.to_string());
    };
    raise_as(th, errno, &strerror(error), filename, to)
}

/// The same for an error in words of our own.
pub fn raise_as(th: &mut Thread, errno: i32, words: &str, filename: Option<&str>, to: Option<&str>) -> Raised {
    let text = th.str(words);
    let args = vec![Value::Int(errno.into()), text.clone()];
    let class = th.interp.class(&th.held, TypeId::OSError).clone();
    let class = th.os_error_class(&class, &args).unwrap_or(TypeId::OSError);
    let e = th.new_exception(class, args);
    let mut extra = vec![(Name::of("errno"), Value::Int(errno.into())), (Name::of("strerror"), text)];
    if let Some(name) = filename {
        extra.push((Name::of("filename"), th.str(name)));
    }
    if let Some(name) = to {
        extra.push((Name::of("filename2"), th.str(name)));
    }
    if let Value::Obj(r) = &e {
        r.with::<Exception, _>(&th.held, |e| e.extra = extra);
    }
    th.raise_value(e)
}

//! Errors of the operating system as exceptions.

use crate::object::exception::Exception;
use crate::object::{Name, TypeId, Value};
use crate::vm::Thread;
use crate::vm::thread::Raised;
use std::io;

/// The class that CPython gives an error number (Linux).
fn class_of(errno: i32) -> TypeId {
    match errno {
        1 | 13 => TypeId::PermissionError,
        2 => TypeId::FileNotFoundError,
        3 => TypeId::ProcessLookupError,
        4 => TypeId::InterruptedError,
        10 => TypeId::ChildProcessError,
        11 | 114 | 115 => TypeId::BlockingIOError,
        17 => TypeId::FileExistsError,
        20 => TypeId::NotADirectoryError,
        21 => TypeId::IsADirectoryError,
        32 | 108 => TypeId::BrokenPipeError,
        103 => TypeId::ConnectionAbortedError,
        104 => TypeId::ConnectionResetError,
        110 => TypeId::TimeoutError,
        111 => TypeId::ConnectionRefusedError,
        _ => TypeId::OSError,
    }
}

/// The system's words for an error, without the number that Rust adds.
fn strerror(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error ")
        .next()
        .unwrap_or(&text)
        .to_string()
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
    let Some(errno) = error.raw_os_error() else {
        return th.raise(TypeId::OSError, error.to_string());
    };
    let text = th.str(&strerror(error));
    let e = th.new_exception(
        class_of(errno),
        vec![Value::Int(errno.into()), text.clone()],
    );
    let mut extra = vec![
        (Name::of("errno"), Value::Int(errno.into())),
        (Name::of("strerror"), text),
    ];
    if let Some(name) = filename {
        extra.push((Name::of("filename"), th.str(name)));
    }
    if let Value::Obj(r) = &e {
        r.with::<Exception, _>(&th.held, |e| e.extra = extra);
    }
    th.raise_value(e)
}

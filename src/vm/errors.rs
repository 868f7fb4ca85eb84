//! Raising: exceptions made from Rust, and the mark `Raised` (R3).

use super::thread::{Raised, Res, Thread};
use crate::object::exception::Exception;
use crate::object::pure::{ErrKind, PureError};
use crate::object::types::Attrs;
use crate::object::{Name, Ref, TypeId, Value};

/// The class that CPython gives an error number of Linux.
fn class_of_errno(errno: i64) -> Option<TypeId> {
    Some(match errno {
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
        _ => return None,
    })
}

impl Thread {
    /// An exception object of a builtin class.
    pub fn new_exception(&mut self, t: TypeId, args: Vec<Value>) -> Value {
        // Classes whose fields are made of the arguments.
        let fields = matches!(t, TypeId::StopIteration | TypeId::SystemExit);
        let given = if fields { args.clone() } else { Vec::new() };
        let args = self.tuple(args);
        let e = Exception {
            args,
            cause: Value::None,
            context: Value::None,
            suppress_context: false,
            trail: Vec::new(),
            extra: Vec::new(),
            notes: Value::None,
            attrs: Attrs::default(),
        };
        let r = Ref::new(&self.held, t.shape(), e);
        if fields {
            self.fill_exception(&r, given);
        }
        r.into()
    }

    /// The class that `OSError(errno, text, …)` makes instead, if the number has one of its own.
    pub fn os_error_class(&self, class: &Ref, args: &[Value]) -> Option<TypeId> {
        match args {
            [Value::Int(errno), _, ..] if self.type_id(class) == Some(TypeId::OSError) => class_of_errno(*errno),
            _ => None,
        }
    }

    /// Raises a builtin exception with one text argument.
    #[cold]
    pub fn raise(&mut self, t: TypeId, text: impl AsRef<str>) -> Raised {
        let text = self.str(text.as_ref());
        let e = self.new_exception(t, vec![text]);
        self.raise_value(e)
    }

    /// Raises a builtin exception with these arguments.
    #[cold]
    pub fn raise_with(&mut self, t: TypeId, args: Vec<Value>) -> Raised {
        let e = self.new_exception(t, args);
        self.raise_value(e)
    }

    /// Raises with an attribute beside the text (`AttributeError.name`).
    #[cold]
    pub fn raise_extra(&mut self, t: TypeId, text: impl AsRef<str>, extra: Vec<(Name, Value)>) -> Raised {
        let text = self.str(text.as_ref());
        let e = self.new_exception(t, vec![text]);
        if let Value::Obj(r) = &e {
            r.with::<Exception, _>(&self.held, |e| e.extra = extra);
        }
        self.raise_value(e)
    }

    /// Raises an exception object; what is being handled becomes its context.
    pub fn raise_value(&mut self, e: Value) -> Raised {
        if let (Value::Obj(r), Value::Obj(h)) = (&e, &self.handled)
            && !r.same(h)
        {
            let context = self.handled.clone();
            self.cut_context_cycle(&e, &context);
            let old = r.with::<Exception, _>(&self.held, |x| std::mem::replace(&mut x.context, context));
            drop(old);
        }
        self.raised = e;
        Raised(())
    }

    /// If `e` is already in the context chain of `context`, that link is cut: chains never become rings.
    fn cut_context_cycle(&mut self, e: &Value, context: &Value) {
        let mut at = context.clone();
        while let Value::Obj(r) = at.clone() {
            let next = r.with::<Exception, _>(&self.held, |x| x.context.clone());
            if next.same(e) {
                r.with::<Exception, _>(&self.held, |x| x.context = Value::None);
                return;
            }
            at = next;
        }
    }

    /// Raises again, as it is: no new context.
    pub fn reraise(&mut self, e: Value) -> Raised {
        self.raised = e;
        Raised(())
    }

    /// Takes the exception in flight: it is caught.
    pub fn take_raised(&mut self) -> Value {
        self.raised.take()
    }
    /// The exception in flight.
    pub fn raised(&self) -> &Value {
        &self.raised
    }

    /// Is the exception in flight of this builtin class or one derived from it?
    pub fn raised_is(&mut self, t: TypeId) -> bool {
        let e = self.raised.clone();
        self.is_a(&e, t)
    }

    /// `Ok(None)` when the result is the exception `t`, which is then caught.
    pub fn catch<T>(&mut self, r: Res<T>, t: TypeId) -> Res<Option<T>> {
        match r {
            Ok(v) => Ok(Some(v)),
            Err(_) if self.raised_is(t) => {
                drop(self.take_raised());
                Ok(None)
            }
            Err(e) => Err(e),
        }
    }

    /// An error of the pure functions as an exception.
    #[cold]
    pub fn raise_pure(&mut self, e: PureError) -> Raised {
        let t = match e.kind {
            ErrKind::TypeError => TypeId::TypeError,
            ErrKind::ValueError => TypeId::ValueError,
            ErrKind::OverflowError => TypeId::OverflowError,
            ErrKind::ZeroDivisionError => TypeId::ZeroDivisionError,
            ErrKind::IndexError => TypeId::IndexError,
            ErrKind::KeyError => TypeId::KeyError,
            ErrKind::LookupError => TypeId::LookupError,
            ErrKind::MemoryError => TypeId::MemoryError,
            ErrKind::UnicodeDecodeError => TypeId::UnicodeDecodeError,
            ErrKind::UnicodeEncodeError => TypeId::UnicodeEncodeError,
        };
        // What the C library reports has a number and a text.
        if t == TypeId::OverflowError && e.msg.starts_with("(34, ") {
            let text = self.str("Numerical result out of range");
            return self.raise_with(t, vec![Value::Int(34), text]);
        }
        self.raise(t, e.msg)
    }
    /// The result of a pure function as one that may raise.
    #[inline]
    pub fn pure<T>(&mut self, r: Result<T, PureError>) -> Res<T> {
        r.map_err(|e| self.raise_pure(e))
    }

    #[cold]
    pub fn type_error(&mut self, text: impl AsRef<str>) -> Raised {
        self.raise(TypeId::TypeError, text)
    }
    #[cold]
    pub fn value_error(&mut self, text: impl AsRef<str>) -> Raised {
        self.raise(TypeId::ValueError, text)
    }
    #[cold]
    pub fn index_error(&mut self, text: impl AsRef<str>) -> Raised {
        self.raise(TypeId::IndexError, text)
    }
    #[cold]
    pub fn runtime_error(&mut self, text: impl AsRef<str>) -> Raised {
        self.raise(TypeId::RuntimeError, text)
    }
    #[cold]
    pub fn key_error(&mut self, key: Value) -> Raised {
        self.raise_with(TypeId::KeyError, vec![key])
    }
}

/// Why a thread's code ended without returning.
pub enum Uncaught {
    Exception(Value),
    Ending(super::thread::Ending),
}

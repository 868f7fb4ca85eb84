//! Builtin functions: how rows are declared, how they see their arguments, how they wait.
//!
//! A row says name, signature, doc and kind; the kind is the type of the function, so it cannot lie:
//! `holds` and `quick` cannot wait, `waits` returns what it waits for. `quick` rows are exactly those
//! that CPython 3.11 does not follow with a look at the breaker (`len`, `isinstance`, `list.append`,
//! one-argument `type`).

use super::thread::{Res, Thread};
use crate::object::{TypeId, Value};
use crate::world::{Nanos, WaitOn, Wake};
use std::ops::{Deref, DerefMut};

/// What goes on after a wake; it may wait again.
pub type Then = Box<dyn FnOnce(&mut Call, Wake) -> Res<Next>>;

/// What a waiting native wants next.
pub enum Next {
    Done(Value),
    Wait {
        on: WaitOn,
        /// A moment of the monotonic clock.
        until: Option<Nanos>,
        /// Asked again after registering: false means there is nothing to wait for.
        still: Box<dyn Fn(&crate::gil::Held) -> bool>,
        /// Goes on after the wake; may wait again.
        then: Then,
    },
}

/// A row's function; the variant is its kind.
#[derive(Clone, Copy)]
pub enum NativeFn {
    /// Runs with the lock.
    Holds(fn(&mut Call) -> Res<Value>),
    /// Runs with the lock, and no safe point follows.
    Quick(fn(&mut Call) -> Res<Value>),
    /// May wait with the lock released.
    Waits(fn(&mut Call) -> Res<Next>),
    /// Pure work done with the lock released: it uses `held.outside`.
    Computes(fn(&mut Call) -> Res<Value>),
}

impl NativeFn {
    pub fn kind(&self) -> &'static str {
        match self {
            NativeFn::Holds(_) => "holds",
            NativeFn::Quick(_) => "quick",
            NativeFn::Waits(_) => "waits",
            NativeFn::Computes(_) => "computes",
        }
    }
}

/// A parameter of a native.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param {
    pub name: &'static str,
    pub optional: bool,
}

/// A native's parameters, read once from the text of its row.
#[derive(Debug, Default)]
pub struct Signature {
    /// Positional parameters; those before `/` cannot be named.
    pub positional: Vec<Param>,
    pub posonly: usize,
    pub kwonly: Vec<Param>,
    pub star: bool,
    pub double_star: bool,
    /// The builtin type that a method's own object must be of; `None` where any will do.
    pub owner: Option<TypeId>,
}

/// A row of the table of natives.
pub struct NativeRow {
    /// Module, or type for a method (`list`).
    pub module: &'static str,
    pub name: &'static str,
    /// As written: `sep=None, *args`.
    pub signature: &'static str,
    pub doc: &'static str,
    pub run: NativeFn,
    /// A method: its first parameter is the object.
    pub method: bool,
    pub parsed: std::sync::OnceLock<Signature>,
}

impl NativeRow {
    /// The signature with the object (`self`) or class (`cls`) that methods and constructors get first;
    /// rows leave it out.
    pub fn parsed(&self) -> &Signature {
        self.parsed.get_or_init(|| {
            let mut s = Signature::parse(self.signature);
            let first = s.positional.first().map_or("", |p| p.name);
            if (self.method || self.module == "new") && first != "self" && first != "cls" {
                s.positional.insert(0, Param { name: "self", optional: false });
                s.posonly += 1;
                let any = !self.method || self.module == "object";
                s.owner = TypeId::ALL.iter().copied().find(|t| !any && t.name() == self.module);
            }
            s
        })
    }
    /// `list.append` or `len`.
    pub fn full_name(&self) -> String {
        if self.method || self.module != "builtins" {
            format!("{}.{}", self.module, self.name)
        } else {
            self.name.into()
        }
    }
}

impl Signature {
    /// Reads `a, b=None, /, *args, key=None, **kw`. A default's text is for the reader only: an absent
    /// argument arrives as `Unbound`.
    pub fn parse(text: &'static str) -> Signature {
        let mut s = Signature::default();
        let mut after_star = false;
        for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            if part == "/" {
                s.posonly = s.positional.len();
            } else if part == "*" {
                after_star = true;
            } else if part.starts_with("**") || part.starts_with("* *") {
                s.double_star = true;
            } else if part.starts_with('*') {
                s.star = true;
                after_star = true;
            } else {
                let (name, optional) = match part.split_once('=') {
                    Some((n, _)) => (n.trim(), true),
                    None => (part, false),
                };
                let p = Param { name, optional };
                if after_star { s.kwonly.push(p) } else { s.positional.push(p) }
            }
        }
        s
    }
    /// Arguments may be left where they are: no star, nothing keyword-only.
    pub fn in_place(&self) -> bool {
        !self.star && !self.double_star && self.kwonly.is_empty()
    }
    pub fn required(&self) -> usize {
        self.positional.iter().filter(|p| !p.optional).count()
    }
}

/// A native's view of its call: the thread, and the arguments by index in the order of the signature:
/// positional, then keyword-only, then those of `*args`, then (name, value) of `**kwargs`.
pub struct Call<'a> {
    pub th: &'a mut Thread,
    /// Stack index of argument 0.
    pub(super) at: u32,
    /// Number of arguments that lie there, absent optional ones as `Unbound`.
    pub(super) n: u32,
    /// Where `*args` begin.
    pub(super) rest: u32,
    /// Keyword arguments beyond the signature (`**kwargs` natives only).
    pub(super) extra: Vec<(crate::object::Name, Value)>,
    pub row: &'static NativeRow,
}

impl Call<'_> {
    /// Number of arguments present or absent-as-unset.
    pub fn count(&self) -> usize {
        self.n as usize
    }
    /// A copy of argument `i`; `Unbound` when it is absent.
    #[inline(always)]
    pub fn arg(&self, i: usize) -> Value {
        if (i as u32) < self.n { self.th.reg(self.at + i as u32) } else { Value::Unbound }
    }
    /// Argument `i` unless it is absent.
    #[inline(always)]
    pub fn opt(&self, i: usize) -> Option<Value> {
        match self.arg(i) {
            Value::Unbound => None,
            v => Some(v),
        }
    }
    /// Argument `i` unless it is absent or None.
    pub fn some(&self, i: usize) -> Option<Value> {
        match self.arg(i) {
            Value::Unbound | Value::None => None,
            v => Some(v),
        }
    }
    /// The arguments of `*args`.
    pub fn rest(&self) -> Vec<Value> {
        (self.rest..self.n).map(|i| self.th.reg(self.at + i)).collect()
    }
    /// The arguments of `**kwargs`, taken.
    pub fn kwargs(&mut self) -> Vec<(crate::object::Name, Value)> {
        std::mem::take(&mut self.extra)
    }
}

impl Deref for Call<'_> {
    type Target = Thread;
    fn deref(&self) -> &Thread {
        self.th
    }
}
impl DerefMut for Call<'_> {
    fn deref_mut(&mut self) -> &mut Thread {
        self.th
    }
}

/// A row's name as scripts write it: without the `r#` of a Rust keyword.
pub const fn plain_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        _ => name,
    }
}

/// Declares natives. `natives! { pub TIME, "time"; rows }` or `natives! { pub LIST, method "list"; rows }`.
/// A row: doc comment, kind, name, signature in parentheses, function.
///
/// ```ignore
/// natives! { pub TIME, "time";
///     /// Waits at least `seconds`; other threads may run meanwhile.
///     waits sleep("seconds, /") = sleep;
/// }
/// ```
#[macro_export]
macro_rules! natives {
    ($vis:vis $table:ident, method $module:literal; $($(#[doc = $doc:expr])* $kind:ident $name:ident($sig:literal) = $func:path;)*) => {
        $crate::natives!(@table $vis $table, $module, true; $($(#[doc = $doc])* $kind $name($sig) = $func;)*);
    };
    ($vis:vis $table:ident, $module:literal; $($(#[doc = $doc:expr])* $kind:ident $name:ident($sig:literal) = $func:path;)*) => {
        $crate::natives!(@table $vis $table, $module, false; $($(#[doc = $doc])* $kind $name($sig) = $func;)*);
    };
    (@table $vis:vis $table:ident, $module:literal, $method:literal; $($(#[doc = $doc:expr])* $kind:ident $name:ident($sig:literal) = $func:path;)*) => {
        $vis static $table: &[$crate::vm::NativeRow] = {
            static ROWS: [$crate::vm::NativeRow; [$(stringify!($name)),*].len()] = [$($crate::vm::NativeRow {
                module: $module,
                name: $crate::vm::native::plain_name(stringify!($name)),
                signature: $sig,
                doc: concat!($($doc, "\n"),*),
                run: $crate::natives!(@kind $kind $func),
                method: $method,
                parsed: std::sync::OnceLock::new(),
            }),*];
            &ROWS
        };
    };
    (@kind holds $f:path) => { $crate::vm::NativeFn::Holds($f) };
    (@kind quick $f:path) => { $crate::vm::NativeFn::Quick($f) };
    (@kind waits $f:path) => { $crate::vm::NativeFn::Waits($f) };
    (@kind computes $f:path) => { $crate::vm::NativeFn::Computes($f) };
}

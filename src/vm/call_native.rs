//! Calls of natives: arguments in the order of the row's signature, its function, its waits.

use super::call::Window;
use super::native::{Call, NativeFn, NativeRow, Next, Signature};
use super::thread::{Raised, Res, Thread};
use crate::object::{Name, TypeId, Value};

impl Thread {
    /// Runs a native on a window, which is unset afterwards.
    pub(super) fn run_native(&mut self, row_id: u32, w: &mut Window) -> Res<Value> {
        let row = self.interp.natives[row_id as usize];
        let sig = row.parsed();
        if let Some(owner) = sig.owner
            && !(w.n > 0 && fits(owner, &self.reg(w.func_at + 1)))
        {
            self.check_self(row, owner, w)?;
        }
        let (mut n, mut rest, mut extra) = (w.n, w.n, Vec::new());
        if w.kw.is_empty() && sig.in_place() {
            if (n as usize) < sig.required() || n as usize > sig.positional.len() {
                return Err(self.wrong_count(row, sig, n as usize));
            }
        } else {
            (n, rest) = self.arrange(row, sig, w, &mut extra)?;
        }
        let r = self.run_row(row, w.func_at + 1, n, rest, extra);
        self.unset(w.func_at, w.func_at + 1 + n);
        r
    }

    /// Runs a row on arguments that lie as its signature says.
    pub(super) fn run_row(
        &mut self,
        row: &'static NativeRow,
        at: u32,
        n: u32,
        rest: u32,
        extra: Vec<(Name, Value)>,
    ) -> Res<Value> {
        let below = self.top;
        self.top = below.max(at + n);
        let mut c = Call { th: self, at, n, rest, extra, row };
        let r = match row.run {
            NativeFn::Holds(f) | NativeFn::Quick(f) => f(&mut c),
            NativeFn::Computes(f) => {
                if c.held.tracing() {
                    let (place, name) = (c.place(), c.row.full_name());
                    c.held.trace_at(&place, Some(&name));
                }
                f(&mut c)
            }
            NativeFn::Waits(f) => wait_loop(&mut c, f),
        };
        self.top = below;
        r
    }

    /// Arguments of a window in the order of the signature: positional, keyword-only, then the rest. Apart, so that
    /// it takes nothing of the stack below a native that waits.
    #[inline(never)]
    fn arrange(
        &mut self,
        row: &'static NativeRow,
        sig: &Signature,
        w: &mut Window,
        extra: &mut Vec<(Name, Value)>,
    ) -> Res<(u32, u32)> {
        let (p, k) = (sig.positional.len(), sig.kwonly.len());
        let given = w.n as usize;
        let (args, kw) = self.take_args(&Window { func_at: w.func_at, n: w.n, kw: w.kw });
        w.n = 0;
        let mut out: Vec<Value> = Vec::new();
        out.resize_with(p + k, || Value::Unbound);
        if args.len() > p && !sig.star {
            return Err(self.wrong_count(row, sig, given));
        }
        let mut args = args.into_iter();
        for (place, v) in out.iter_mut().zip(args.by_ref().take(p)) {
            *place = v;
        }
        let all = || sig.positional.iter().chain(&sig.kwonly);
        for (name, v) in kw {
            match all().position(|x| x.name == name.text()) {
                Some(i) if i >= sig.posonly || i >= p => {
                    if !out[i].is_unbound() {
                        let text =
                            format!("argument for {}() given by name ('{name}') and position ({})", row.name, i + 1);
                        return Err(self.type_error(text));
                    }
                    out[i] = v;
                }
                _ if sig.double_star => extra.push((name, v)),
                _ if k == 0 && sig.posonly == p => {
                    return Err(self.no_keywords(row));
                }
                _ => {
                    return Err(self.type_error(format!("'{name}' is an invalid keyword argument for {}()", row.name)));
                }
            }
        }
        if let Some((i, x)) = all().enumerate().find(|(i, x)| !x.optional && out[*i].is_unbound()) {
            let text = if i < p && given < sig.required() && sig.posonly == p {
                return Err(self.wrong_count(row, sig, given));
            } else {
                format!("{}() missing required argument '{}' (pos {})", row.name, x.name, i + 1 - hidden(row))
            };
            return Err(self.type_error(text));
        }
        let rest = out.len() as u32;
        out.extend(args);
        let n = out.len() as u32;
        if !self.reserve(w.func_at + 2 + n) {
            return Err(self.too_deep());
        }
        for (i, v) in out.into_iter().enumerate() {
            self.set_reg(w.func_at + 1 + i as u32, v);
        }
        w.n = n;
        Ok((n, rest))
    }

    /// TypeError unless a builtin method's first argument is an object of its type.
    #[cold]
    #[inline(never)]
    fn check_self(&mut self, row: &'static NativeRow, owner: TypeId, w: &Window) -> Res<()> {
        let (name, of, slot) = (row.name, owner.name(), slot_wrapper(row));
        if w.n == 0 || w.n as usize == w.kw.len() {
            return Err(self.type_error(match slot {
                true => format!("descriptor '{name}' of '{of}' object needs an argument"),
                false => format!("unbound method {of}.{name}() needs an argument"),
            }));
        }
        let this = self.reg(w.func_at + 1);
        if fits(owner, &this) || self.is_a(&this, owner) {
            return Ok(());
        }
        let got = self.type_name(&this);
        Err(self.type_error(match slot {
            true => format!("descriptor '{name}' requires a '{of}' object but received a '{got}'"),
            false => format!("descriptor '{name}' for '{of}' objects doesn't apply to a '{got}' object"),
        }))
    }

    #[cold]
    fn no_keywords(&mut self, row: &'static NativeRow) -> Raised {
        let full = if row.module == "new" { row.name.to_string() } else { row.full_name() };
        self.type_error(match slot_wrapper(row) {
            true => format!("wrapper {}() takes no keyword arguments", row.name),
            false => format!("{full}() takes no keyword arguments"),
        })
    }

    #[cold]
    fn wrong_count(&mut self, row: &'static NativeRow, sig: &Signature, given: usize) -> Raised {
        // A method's own object and a constructor's class are not counted.
        let hidden = hidden(row);
        let (min, max, given) =
            (sig.required().saturating_sub(hidden), sig.positional.len() - hidden, given.saturating_sub(hidden));
        let full = if row.module == "new" { row.name.to_string() } else { row.full_name() };
        let name = row.name;
        let s = |n: usize| if n == 1 { "" } else { "s" };
        let text = match (min, max) {
            (min, max) if slot_wrapper(row) => {
                // Sequence slots unpack a tuple of no name, whose place stays empty.
                let blank = match row.name {
                    "__mul__" | "__rmul__" | "__imul__" if !matches!(row.module, "int" | "float") => " ",
                    "__setitem__" => " ",
                    _ => "",
                };
                format!("{blank}expected {max} argument{}, got {given}", s(min))
            }
            _ if row.module == "new" && name == "type" => "type() takes 1 or 3 arguments".to_string(),
            (_, 0) if !sig.kwonly.is_empty() => format!("{name}() takes no positional arguments"),
            (a, b) if row.method && SEARCHES.contains(&name) && matches!(row.module, "str" | "bytes" | "bytearray") => {
                let (what, n) = if given < a { ("least", a) } else { ("most", b) };
                format!("{name}() takes at {what} {n} argument{} ({given} given)", s(n))
            }
            (0, 0) => format!("{full}() takes no arguments ({given} given)"),
            (1, 1) if row.module == "new" || !sig.kwonly.is_empty() => {
                format!("{name} expected 1 argument, got {given}")
            }
            (1, 1) => format!("{full}() takes exactly one argument ({given} given)"),
            // What may also be given by name is missed by its name.
            (a, _) if given < a && sig.posonly <= hidden => {
                format!(
                    "{name}() missing required argument '{}' (pos {})",
                    sig.positional[given + hidden].name,
                    given + 1
                )
            }
            (a, b) if a == b => format!("{name} expected {a} argument{}, got {given}", s(a)),
            (a, _) if given < a => {
                format!("{name} expected at least {a} argument{}, got {given}", s(a))
            }
            // What may also be given by name, CPython counts in other words.
            (_, b) if sig.posonly < sig.positional.len() => {
                let positional = if sig.kwonly.is_empty() { "" } else { "positional " };
                format!("{name}() takes at most {b} {positional}argument{} ({given} given)", s(b))
            }
            (_, b) => format!("{name} expected at most {b} argument{}, got {given}", s(b)),
        };
        self.type_error(text)
    }
}

/// What a builtin method's own object must be, seen without asking classes: its payload is of the type's kind.
#[inline(always)]
fn fits(owner: TypeId, v: &Value) -> bool {
    match v {
        Value::Obj(r) => r.kind() == owner.kind(),
        Value::Int(_) | Value::Bool(_) => matches!(owner, TypeId::Int),
        Value::Float(_) => matches!(owner, TypeId::Float),
        Value::None | Value::Unbound => false,
    }
}

/// A method's own object and a constructor's class are not counted.
fn hidden(row: &NativeRow) -> usize {
    (row.method || row.module == "new") as usize
}

/// Methods of str and bytes whose arguments CPython counts in other words.
const SEARCHES: &[&str] = &["find", "rfind", "index", "rindex", "count", "startswith", "endswith"];

/// Is it one of the methods that CPython derives from a slot of the type? The others of such names are methods like any.
pub(super) fn slot_wrapper(row: &NativeRow) -> bool {
    const PLAIN: &[&str] = &[
        "__format__",
        "__round__",
        "__ceil__",
        "__floor__",
        "__trunc__",
        "__reversed__",
        "__bytes__",
        "__enter__",
        "__exit__",
        "__init_subclass__",
        "__new__",
        "__init__",
        "__setattr__",
        "__delattr__",
        "__getattribute__",
        "__length_hint__",
        "__dir__",
        "__sizeof__",
        "__getstate__",
        "__reduce__",
        "__reduce_ex__",
        "__copy__",
        "__subclasshook__",
        "__instancecheck__",
        "__subclasscheck__",
        "__subclasses__",
        "__prepare__",
    ];
    let coexists = match row.name {
        "__getitem__" => matches!(row.module, "list" | "dict"),
        "__contains__" => matches!(row.module, "dict" | "set" | "frozenset"),
        _ => false,
    };
    row.method && row.name.starts_with("__") && row.name.ends_with("__") && !coexists && !PLAIN.contains(&row.name)
}

/// Lets a native wait as often as it wants.
fn wait_loop(c: &mut Call, f: fn(&mut Call) -> Res<Next>) -> Res<Value> {
    let mut next = f(c)?;
    loop {
        match next {
            Next::Done(v) => return Ok(v),
            Next::Wait { on, until, still, then } => {
                let place = c.th.place();
                c.th.held.set_place(place);
                let wake = c.th.held.wait(on, until, &*still);
                next = then(c, wake)?;
            }
        }
    }
}

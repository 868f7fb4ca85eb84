//! Calls of natives: arguments in the order of the row's signature, its function, its waits.

use super::call::Window;
use super::native::{Call, NativeFn, NativeRow, Next, Signature};
use super::thread::{Raised, Res, Thread};
use crate::object::{Name, Value};

impl Thread {
    /// Runs a native on a window, which is unset afterwards.
    pub(super) fn run_native(&mut self, row_id: u32, w: &mut Window) -> Res<Value> {
        let row = self.interp.natives[row_id as usize];
        let sig = row.parsed();
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
            NativeFn::Holds(f) | NativeFn::Quick(f) | NativeFn::Computes(f) => f(&mut c),
            NativeFn::Waits(f) => wait_loop(&mut c, f),
        };
        self.top = below;
        r
    }

    /// Arguments of a window in the order of the signature: positional, keyword-only, then the rest.
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
                    return Err(self.type_error(format!("{}() takes no keyword arguments", row.name)));
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
                format!("{}() missing required argument '{}' (pos {})", row.name, x.name, i + 1)
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

    #[cold]
    fn wrong_count(&mut self, row: &'static NativeRow, sig: &Signature, given: usize) -> Raised {
        // A method's own object and a constructor's class are not counted.
        let hidden = (row.method || row.module == "new") as usize;
        let (min, max, given) =
            (sig.required().saturating_sub(hidden), sig.positional.len() - hidden, given.saturating_sub(hidden));
        let full = if row.method { row.full_name() } else { row.name.to_string() };
        let name = row.name;
        let s = |n: usize| if n == 1 { "" } else { "s" };
        let text = match (min, max) {
            (0, 0) => format!("{full}() takes no arguments ({given} given)"),
            (1, 1) if row.module == "new" || !sig.kwonly.is_empty() => {
                format!("{name} expected 1 argument, got {given}")
            }
            (1, 1) => format!("{full}() takes exactly one argument ({given} given)"),
            (a, b) if a == b => format!("{name} expected {a} argument{}, got {given}", s(a)),
            (a, _) if given < a => {
                format!("{name} expected at least {a} argument{}, got {given}", s(a))
            }
            // What may also be given by name, CPython counts in other words.
            (_, b) if sig.posonly < sig.positional.len() => {
                format!("{name}() takes at most {b} argument{} ({given} given)", s(b))
            }
            (_, b) => format!("{name} expected at most {b} argument{}, got {given}", s(b)),
        };
        self.type_error(text)
    }
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

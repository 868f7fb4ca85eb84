//! What a failed assertion tells under `kit test`: the values of the parts of its condition, and where two
//! long values differ first. The compiler says what to show (compile/explain.rs).

use crate::bytecode::Const;
use crate::object::dict::Dict;
use crate::object::types::List;
use crate::object::{TypeId, Value};
use crate::vm::Thread;
use crate::vm::make::{text, tuple_items};

/// A longer repr is cut in its middle.
const REPR_CHARS_MAX: usize = 240;
/// From this length of a repr on it is said where two values differ.
const LONG_CHARS: usize = 32;

fn row(c: &Const) -> &[Const] {
    match c {
        Const::Tuple(items) => items,
        _ => &[],
    }
}

impl Thread {
    /// The text of a failed assertion whose registers begin at stack index `base`. `message` is the one
    /// that the script gave, or unset.
    pub(super) fn explain(&mut self, base: u32, story: &Const, message: &Value) -> String {
        let mut out = String::new();
        if !message.is_unbound() {
            out += &self.shown(message, Thread::str_text);
            out.push('\n');
        }
        let [Const::Int(count), head, wheres, pair] = row(story) else { return out };
        let window = Window { base, count: u32::try_from(*count).unwrap_or(0) };
        out += "assert ";
        self.items(window, row(head), &mut out);
        for line in row(wheres) {
            let [guards, place, items] = row(line) else { continue };
            let value = self.at(window, place);
            if value.is_unbound() || row(guards).iter().any(|g| self.at(window, g).is_unbound()) {
                continue;
            }
            out += "\n  where ";
            out += &self.short_repr(&value);
            out += " = ";
            self.items(window, row(items), &mut out);
        }
        if let [a, b] = row(pair) {
            let (a, b) = (self.at(window, a), self.at(window, b));
            self.difference(&a, &b, &mut out);
        }
        out
    }

    fn at(&self, window: Window, place: &Const) -> Value {
        match place {
            Const::Int(i) if (0..i64::from(window.count)).contains(i) => self.reg(window.base + *i as u32),
            _ => Value::Unbound,
        }
    }

    fn items(&mut self, window: Window, items: &[Const], out: &mut String) {
        for item in items {
            match item {
                Const::Str(s) => out.push_str(s),
                Const::Tuple(inner) => {
                    if let [guard, rest @ ..] = &**inner
                        && !self.at(window, guard).is_unbound()
                    {
                        self.items(window, rest, out);
                    }
                }
                place => {
                    let v = self.at(window, place);
                    out.push_str(&self.short_repr(&v));
                }
            }
        }
    }

    fn short_repr(&mut self, v: &Value) -> String {
        let text = self.shown(v, Thread::repr);
        let chars = text.chars().count();
        if chars <= REPR_CHARS_MAX {
            return text;
        }
        let half = REPR_CHARS_MAX / 2;
        let head: String = text.chars().take(half).collect();
        let tail: String = text.chars().skip(chars - half).collect();
        format!("{head}...{tail}")
    }

    /// A text made by script code, which may fail: the assertion's own failure is what counts.
    fn shown(&mut self, v: &Value, how: fn(&mut Thread, &Value) -> super::Res<String>) -> String {
        match how(self, v) {
            Ok(text) => text,
            Err(_) => {
                let e = self.take_raised();
                format!("<no repr: {}>", self.format_last(&e).trim_end())
            }
        }
    }

    /// Where `a` and `b`, which are not equal, differ first; nothing if both are short.
    fn difference(&mut self, a: &Value, b: &Value, out: &mut String) {
        let long = |th: &mut Thread, v: &Value| th.shown(v, Thread::repr).chars().count() >= LONG_CHARS;
        if !long(self, a) && !long(self, b) {
            return;
        }
        if let (Some(a), Some(b)) = (text(a), text(b)) {
            let (a, b) = (a.to_string(), b.to_string());
            *out += &self.text_difference(&a, &b);
        } else if let (Some(a), Some(b)) = (self.sequence(a), self.sequence(b)) {
            *out += &self.row_difference(&a, &b);
        } else if let (Some(a), Some(b)) = (self.pairs_of(a), self.pairs_of(b)) {
            *out += &self.dict_difference(&a, &b);
        }
    }

    fn text_difference(&mut self, a: &str, b: &str) -> String {
        let at = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).count();
        let around = |s: &str| -> String { s.chars().skip(at.saturating_sub(8)).take(24).collect() };
        let (left, right) = (self.str(&around(a)), self.str(&around(b)));
        let (left, right) = (self.short_repr(&left), self.short_repr(&right));
        format!("\n  they differ at index {at}: ...{left}... and ...{right}...")
    }

    fn row_difference(&mut self, a: &[Value], b: &[Value]) -> String {
        let mut out = String::new();
        if a.len() != b.len() {
            out = format!("\n  their lengths are {} and {}", a.len(), b.len());
        }
        for (at, (x, y)) in a.iter().zip(b).enumerate() {
            if !self.alike(x, y) {
                let (x, y) = (self.short_repr(x), self.short_repr(y));
                return format!("{out}\n  they differ at index {at}: {x} and {y}");
            }
        }
        let (more, side) = if a.len() > b.len() { (&a[b.len()..], "left") } else { (&b[a.len()..], "right") };
        match more.first() {
            Some(first) => format!("{out}\n  only the {side} one goes on: {}", self.short_repr(first)),
            None => out,
        }
    }

    fn dict_difference(&mut self, a: &[(Value, Value)], b: &[(Value, Value)]) -> String {
        let mut out = String::new();
        for (key, x) in a {
            match b.iter().position(|(other, _)| self.alike(key, other)) {
                Some(at) if self.alike(x, &b[at].1) => {}
                Some(at) => {
                    let (key, x, y) = (self.short_repr(key), self.short_repr(x), self.short_repr(&b[at].1));
                    out += &format!("\n  they differ at key {key}: {x} and {y}");
                    break;
                }
                None => {
                    out += &format!("\n  only on the left: {}", self.short_repr(key));
                    break;
                }
            }
        }
        if let Some((key, _)) = b.iter().find(|(key, _)| !a.iter().any(|(other, _)| self.alike(key, other))) {
            out += &format!("\n  only on the right: {}", self.short_repr(key));
        }
        out
    }

    fn alike(&mut self, a: &Value, b: &Value) -> bool {
        match self.same_or_equal(a, b) {
            Ok(same) => same,
            Err(_) => {
                drop(self.take_raised());
                false
            }
        }
    }

    fn sequence(&self, v: &Value) -> Option<Vec<Value>> {
        match self.type_id(&self.type_of(v)) {
            Some(TypeId::List) => v.as_ref()?.try_with::<List, _>(&self.held, |l| l.items.clone()),
            Some(TypeId::Tuple) => tuple_items(v).map(<[Value]>::to_vec),
            _ => None,
        }
    }

    fn pairs_of(&self, v: &Value) -> Option<Vec<(Value, Value)>> {
        let copy = |d: &mut Dict| d.table.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
        v.as_ref()?.try_with::<Dict, _>(&self.held, copy)
    }
}

/// Registers that belong to one assertion.
#[derive(Clone, Copy)]
struct Window {
    base: u32,
    count: u32,
}

//! Writing JSON: `json.dumps` and what `json.dump` writes.

use crate::object::dict::Dict;
use crate::object::pure::{float, int};
use crate::object::types::List;
use crate::object::{Ref, Value};
use crate::vm::make::{float_of, int_of, text, tuple_items};
use crate::vm::{Call, Res, Thread};
use std::fmt::Write;

struct Writer {
    out: String,
    indent: Option<String>,
    level: usize,
    item_separator: String,
    key_separator: String,
    ensure_ascii: bool,
    sort_keys: bool,
    skip_keys: bool,
    allow_nan: bool,
    default: Option<Value>,
    /// Containers that are being written, when circles are looked for.
    open: Option<Vec<usize>>,
}

/// A JSON string, with its quotes.
pub fn quote(out: &mut String, s: &str, ascii: bool) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            ' '..='~' => out.push(c),
            // CPython keeps DEL and everything above when it need not be ASCII.
            _ if c > '~' && !ascii => out.push(c),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
        }
    }
    out.push('"');
}

pub fn quote_row(c: &mut Call) -> Res<Value> {
    let (v, ascii) = (c.arg(0), c.arg(1));
    let ascii = c.truth(&ascii)?;
    let Some(t) = text(&v) else {
        let got = c.type_name(&v);
        return Err(c.type_error(format!("first argument must be a string, not {got}")));
    };
    let mut out = String::with_capacity(t.len() + 2);
    quote(&mut out, t, ascii);
    Ok(c.string(out))
}

impl Writer {
    fn float(&self, th: &mut Thread, x: f64) -> Res<String> {
        if x.is_finite() {
            return Ok(float::repr(x));
        }
        if !self.allow_nan {
            return Err(th.value_error("Out of range float values are not JSON compliant"));
        }
        let words = if x.is_nan() { "NaN" } else { "Infinity" };
        Ok(if x < 0.0 { format!("-{words}") } else { words.into() })
    }

    fn value(&mut self, th: &mut Thread, v: &Value) -> Res<()> {
        match v {
            Value::None => self.out.push_str("null"),
            Value::Bool(0) => self.out.push_str("false"),
            Value::Bool(_) => self.out.push_str("true"),
            Value::Int(i) => {
                let _ = write!(self.out, "{i}");
            }
            Value::Float(_) => {
                let x = float_of(v).unwrap_or(f64::NAN);
                let shown = self.float(th, x)?;
                self.out.push_str(&shown);
            }
            _ if text(v).is_some() => quote(&mut self.out, text(v).unwrap_or_default(), self.ensure_ascii),
            _ if int_of(v).is_some() => {
                let digits = int::to_decimal(int_of(v).unwrap_or(int::IntRef::Small(0)), int::MAX_STR_DIGITS);
                let digits = th.pure(digits)?;
                self.out.push_str(&digits);
            }
            Value::Obj(r) if r.is::<Dict>() => self.container(th, r, " while encoding a JSON object", Self::object)?,
            Value::Obj(r) if r.is::<List>() || tuple_items(v).is_some() => {
                self.container(th, r, " while encoding a JSON object", Self::array)?;
            }
            Value::Obj(r) => self.container(th, r, " while encoding a JSON object", Self::other)?,
            Value::Unbound => {}
        }
        Ok(())
    }

    fn container(
        &mut self,
        th: &mut Thread,
        r: &Ref,
        doing: &str,
        f: fn(&mut Self, &mut Thread, &Ref) -> Res<()>,
    ) -> Res<()> {
        if let Some(open) = &mut self.open {
            if open.contains(&r.address()) {
                return Err(th.value_error("Circular reference detected"));
            }
            open.push(r.address());
        }
        th.guarded(doing, |th| f(self, th, r))?;
        if let Some(open) = &mut self.open {
            open.pop();
        }
        Ok(())
    }

    fn new_line(&mut self) {
        if let Some(indent) = &self.indent {
            self.out.push('\n');
            self.out.push_str(&indent.repeat(self.level));
        }
    }

    fn array(&mut self, th: &mut Thread, r: &Ref) -> Res<()> {
        let v = Value::Obj(r.clone());
        let items = match tuple_items(&v) {
            Some(items) => items.to_vec(),
            None => r.with::<List, _>(&th.held, |l| l.items.clone()),
        };
        if items.is_empty() {
            self.out.push_str("[]");
            return Ok(());
        }
        self.out.push('[');
        self.level += 1;
        for (i, item) in items.iter().enumerate() {
            if i > 0 {
                self.out.push_str(&self.item_separator);
            }
            self.new_line();
            self.value(th, item)?;
        }
        self.level -= 1;
        self.new_line();
        self.out.push(']');
        Ok(())
    }

    /// A key as text; `None`: it is left out.
    fn key(&mut self, th: &mut Thread, k: &Value) -> Res<Option<String>> {
        if let Some(t) = text(k) {
            return Ok(Some(t.into()));
        }
        Ok(Some(match k {
            Value::None => "null".into(),
            Value::Bool(0) => "false".into(),
            Value::Bool(_) => "true".into(),
            Value::Float(_) => {
                let x = float_of(k).unwrap_or(f64::NAN);
                self.float(th, x)?
            }
            _ => match int_of(k) {
                Some(i) => {
                    let digits = int::to_decimal(i, int::MAX_STR_DIGITS);
                    th.pure(digits)?
                }
                None if self.skip_keys => return Ok(None),
                None => {
                    let got = th.type_name(k);
                    return Err(th.type_error(format!("keys must be str, int, float, bool or None, not {got}")));
                }
            },
        }))
    }

    fn object(&mut self, th: &mut Thread, r: &Ref) -> Res<()> {
        let mut items = th.dict_items(r);
        if items.is_empty() {
            self.out.push_str("{}");
            return Ok(());
        }
        if self.sort_keys {
            items = sorted(th, r, items)?;
        }
        self.out.push('{');
        self.level += 1;
        let mut first = true;
        for (k, v) in &items {
            let Some(key) = self.key(th, k)? else { continue };
            if !first {
                self.out.push_str(&self.item_separator);
            }
            first = false;
            self.new_line();
            quote(&mut self.out, &key, self.ensure_ascii);
            self.out.push_str(&self.key_separator);
            self.value(th, v)?;
        }
        self.level -= 1;
        self.new_line();
        self.out.push('}');
        Ok(())
    }

    /// What JSON does not know: what `default` makes of it.
    fn other(&mut self, th: &mut Thread, r: &Ref) -> Res<()> {
        let v = Value::Obj(r.clone());
        let Some(default) = self.default.clone() else {
            let got = th.type_name(&v);
            return Err(th.type_error(format!("Object of type {got} is not JSON serializable")));
        };
        let instead = th.call(&default, &[v])?;
        self.value(th, &instead)
    }
}

/// Pairs in the order of their keys.
fn sorted(th: &mut Thread, d: &Ref, mut items: Vec<(Value, Value)>) -> Res<Vec<(Value, Value)>> {
    if items.iter().all(|(k, _)| text(k).is_some()) {
        items.sort_by(|a, b| text(&a.0).cmp(&text(&b.0)));
        return Ok(items);
    }
    let keys = items.into_iter().map(|(k, _)| k).collect();
    let keys = th.list(keys);
    th.call_method(&keys, crate::object::Name::of("sort"), &[])?;
    let mut out = Vec::new();
    for k in th.collect(&keys)? {
        let v = th.dict_get(d, &k)?.unwrap_or(Value::None);
        out.push((k, v));
    }
    Ok(out)
}

pub fn dumps(c: &mut Call) -> Res<Value> {
    let indent = match c.some(1) {
        Some(v) => Some(c.expect_str(&v, "indent")?.to_string()),
        None => None,
    };
    let separators = [c.arg(2), c.arg(3)];
    let [item, key] = &separators;
    let item_separator = c.expect_str(item, "item separator")?.to_string();
    let key_separator = c.expect_str(key, "key separator")?.to_string();
    let mut flags = [false; 5];
    for (i, flag) in flags.iter_mut().enumerate() {
        let v = c.arg(4 + i);
        *flag = c.truth(&v)?;
    }
    let [ensure_ascii, sort_keys, skip_keys, allow_nan, check_circular] = flags;
    let mut w = Writer {
        out: String::new(),
        indent,
        level: 0,
        item_separator,
        key_separator,
        ensure_ascii,
        sort_keys,
        skip_keys,
        allow_nan,
        default: c.some(9),
        open: check_circular.then(Vec::new),
    };
    let v = c.arg(0);
    w.value(c, &v)?;
    Ok(c.string(w.out))
}

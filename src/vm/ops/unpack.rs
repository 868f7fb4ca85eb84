//! Unpacking: `a, b = v` and `a, *b = v`.

use super::scripted;
use crate::object::types::List;
use crate::object::{TypeId, Value};
use crate::vm::make::tuple_items;
use crate::vm::{Raised, Res, Thread};

impl Thread {
    /// Exactly `n` items.
    pub fn unpack(&mut self, v: &Value, n: usize) -> Res<Vec<Value>> {
        if let Value::Obj(r) = v
            && !scripted(v)
        {
            let items = match tuple_items(v) {
                Some(items) => Some(items.to_vec()),
                None => r.try_with::<List, _>(&self.held, |l| l.items.clone()),
            };
            if let Some(items) = items {
                return match items.len() {
                    m if m == n => Ok(items),
                    m if m < n => Err(self.too_few(n, m)),
                    _ => Err(self.too_many(n)),
                };
            }
        }
        let it = self.unpack_iter(v)?;
        let mut out = Vec::with_capacity(n);
        while out.len() < n {
            match self.next(&it)? {
                Some(v) => out.push(v),
                None => return Err(self.too_few(n, out.len())),
            }
        }
        match self.next(&it)? {
            None => Ok(out),
            Some(_) => Err(self.too_many(n)),
        }
    }

    /// `before` items, a list of the rest, `after` items.
    pub fn unpack_ex(&mut self, v: &Value, before: usize, after: usize) -> Res<Vec<Value>> {
        let it = self.unpack_iter(v)?;
        let mut out = Vec::new();
        while let Some(v) = self.next(&it)? {
            out.push(v);
        }
        let got = out.len();
        if got < before + after {
            return Err(self.value_error(format!(
                "not enough values to unpack (expected at least {}, got {got})",
                before + after
            )));
        }
        let tail = out.split_off(got - after);
        let rest = out.split_off(before);
        let rest = self.list(rest);
        out.push(rest);
        out.extend(tail);
        Ok(out)
    }

    fn unpack_iter(&mut self, v: &Value) -> Res<Value> {
        match self.iter(v) {
            Ok(it) => Ok(it),
            Err(_) if self.raised_is(TypeId::TypeError) && !self.iterable(v) => {
                drop(self.take_raised());
                let name = self.type_name(v);
                Err(self.type_error(format!("cannot unpack non-iterable {name} object")))
            }
            Err(e) => Err(e),
        }
    }

    #[cold]
    fn too_few(&mut self, n: usize, got: usize) -> Raised {
        self.value_error(format!("not enough values to unpack (expected {n}, got {got})"))
    }

    #[cold]
    fn too_many(&mut self, n: usize) -> Raised {
        self.value_error(format!("too many values to unpack (expected {n})"))
    }
}

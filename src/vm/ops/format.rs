//! `format()`, `%`, `str.format`.

use super::scripted;
use crate::object::dict::Dict;
use crate::object::pure::format::markup::{self, AutoNumber, First, Piece, Step};
use crate::object::pure::format::percent::{self, Count, Directive, Part, Wants};
use crate::object::pure::format::{format_float, format_int, format_str};
use crate::object::pure::int;
use crate::object::types::Str;
use crate::object::{Kind, Name, TypeId, Value, name};
use crate::vm::make::{float_of, int_of, text, tuple_items};
use crate::vm::{Raised, Res, Thread};

impl Thread {
    /// `format(v, spec)`.
    pub fn format(&mut self, v: &Value, spec: &str) -> Res<String> {
        if scripted(v) {
            let text_of_spec = self.str(spec);
            if let Some(answer) = self.special(v, name::FORMAT, &[text_of_spec])? {
                return match text(&answer) {
                    Some(t) => Ok(t.to_string()),
                    None => {
                        let got = self.type_name(&answer);
                        Err(self.type_error(format!("__format__ must return a str, not {got}")))
                    }
                };
            }
        }
        self.base_format(v, spec)
    }

    /// What the builtin type gives.
    pub fn base_format(&mut self, v: &Value, spec: &str) -> Res<String> {
        if spec.is_empty() {
            return self.str_text(v);
        }
        if let Some(t) = text(v) {
            let out = format_str(t, spec, "str");
            return self.pure(out);
        }
        if let Some(i) = int_of(v) {
            let name = if matches!(v, Value::Bool(_)) { "bool" } else { "int" };
            let out = format_int(i, spec, name, self.max_str_digits());
            return self.pure(out);
        }
        if let Some(x) = float_of(v) {
            let out = format_float(x, spec, "float");
            return self.pure(out);
        }
        let name = self.type_name(v);
        Err(self.type_error(format!("unsupported format string passed to {name}.__format__")))
    }

    /// `fmt % args` of str or bytes.
    pub fn percent(&mut self, fmt: &Value, args: &Value) -> Res<Value> {
        if let Some(t) = text(fmt) {
            let out = Percent::new(self, args, false).run(t)?;
            return Ok(self.string(out));
        }
        let b = self.to_bytes(fmt)?;
        // Bytes are worked on as text of the characters up to U+00FF.
        let latin: String = b.iter().map(|&b| b as char).collect();
        let out = Percent::new(self, args, true).run(&latin)?;
        let out: Vec<u8> = out.chars().map(|c| c as u32 as u8).collect();
        Ok(match fmt {
            Value::Obj(r) if r.kind() == Kind::ByteArray => self.bytearray(out),
            _ => self.bytes(out),
        })
    }

    /// `text.format(*args, **kwargs)`.
    pub fn str_format(&mut self, text: &str, args: &[Value], kwargs: &[(Name, Value)]) -> Res<String> {
        let lookup = |name: &str| kwargs.iter().find(|(n, _)| n.text() == name).map(|(_, v)| v.clone());
        let mut find = |th: &mut Thread, name: &str| match lookup(name) {
            Some(v) => Ok(v),
            None => {
                let key = th.str(name);
                Err(th.key_error(key))
            }
        };
        self.format_markup(text, Some(args), &mut find, &mut AutoNumber::default(), markup::NESTING)
    }

    /// `text.format_map(mapping)`.
    pub fn str_format_map(&mut self, text: &str, mapping: &Value) -> Res<String> {
        let mut find = |th: &mut Thread, name: &str| {
            let key = th.str(name);
            th.get_item(mapping, &key)
        };
        let mut auto = AutoNumber::default();
        self.format_markup(text, None, &mut find, &mut auto, markup::NESTING)
    }

    /// `args`: None where no field may be positional.
    fn format_markup(
        &mut self,
        format: &str,
        args: Option<&[Value]>,
        find: &mut dyn FnMut(&mut Thread, &str) -> Res<Value>,
        auto: &mut AutoNumber,
        depth: usize,
    ) -> Res<String> {
        if depth == 0 {
            return Err(self.raise_pure(markup::too_deep()));
        }
        let mut out = String::with_capacity(format.len());
        for piece in markup::pieces(format) {
            let field = match self.pure(piece)? {
                Piece::Literal(t) => {
                    out.push_str(t);
                    continue;
                }
                Piece::Field(field) => field,
            };
            let (first, steps) = {
                let name = markup::field_name(field.name, auto);
                self.pure(name)?
            };
            let mut v = match first {
                First::Index(i) => match args.map(|args| args.get(i)) {
                    Some(Some(v)) => v.clone(),
                    Some(None) => return Err(self.raise_pure(markup::index_out_of_range(i))),
                    None => return Err(self.value_error("Format string contains positional fields")),
                },
                First::Name(n) => find(self, n)?,
            };
            for step in steps {
                v = match self.pure(step)? {
                    Step::Attr(n) => self.get_attr(&v, Name::of(n))?,
                    Step::Index(i) => self.get_item(&v, &Value::Int(i as i64))?,
                    Step::Key(k) => {
                        let key = self.str(k);
                        self.get_item(&v, &key)?
                    }
                };
            }
            if let Some(c) = field.conversion {
                let t = match c {
                    'r' => self.repr(&v)?,
                    's' => self.str_text(&v)?,
                    'a' => self.ascii(&v)?,
                    _ => return Err(self.raise_pure(markup::unknown_conversion(c))),
                };
                v = self.string(t);
            }
            let shown = if field.nested {
                let spec = self.format_markup(field.spec, args, find, auto, depth - 1)?;
                self.format(&v, &spec)?
            } else {
                self.format(&v, field.spec)?
            };
            out.push_str(&shown);
        }
        Ok(out)
    }
}

/// A `%` in progress: which argument is next.
struct Percent<'t, 'a> {
    th: &'t mut Thread,
    args: &'a Value,
    row: &'a [Value],
    at: usize,
    /// Is `args` something that `%(key)s` may ask?
    mapping: bool,
    /// A key has been asked: then nothing need be left over.
    keyed: bool,
    bytes: bool,
}

impl<'t, 'a> Percent<'t, 'a> {
    fn new(th: &'t mut Thread, args: &'a Value, bytes: bool) -> Self {
        let row = tuple_items(args);
        let mapping = match args {
            Value::Obj(r) if row.is_none() && !r.is::<Str>() => {
                r.is::<Dict>()
                    || matches!(r.kind(), Kind::List | Kind::Range)
                    || (!bytes && matches!(r.kind(), Kind::Bytes | Kind::ByteArray))
                    || th.has_special(args, name::GETITEM)
            }
            _ => false,
        };
        let row = row.unwrap_or(std::slice::from_ref(args));
        Percent { th, args, row, at: 0, mapping, keyed: false, bytes }
    }

    fn run(&mut self, format: &str) -> Res<String> {
        let mut out = String::with_capacity(format.len() + 16);
        for part in percent::parts(format) {
            match self.th.pure(part)? {
                Part::Literal(t) => out.push_str(t),
                Part::Directive(d) => out.push_str(&self.directive(d)?),
            }
        }
        if self.at < self.row.len() && !self.mapping && !self.keyed {
            let text =
                if self.bytes { "not all arguments converted during bytes formatting" } else { percent::NOT_ALL };
            return Err(self.th.type_error(text));
        }
        Ok(out)
    }

    fn take(&mut self) -> Res<Value> {
        match self.row.get(self.at) {
            Some(v) if !self.keyed => {
                self.at += 1;
                Ok(v.clone())
            }
            _ => Err(self.th.type_error(percent::NOT_ENOUGH)),
        }
    }

    fn directive(&mut self, mut d: Directive) -> Res<String> {
        let mut keyed = None;
        if let Some(key) = d.key {
            if !self.mapping {
                return Err(self.th.type_error(percent::WANTS_MAPPING));
            }
            let key = if self.bytes {
                let b: Vec<u8> = key.chars().map(|c| c as u32 as u8).collect();
                self.th.bytes(b)
            } else {
                self.th.str(key)
            };
            keyed = Some(self.th.get_item(self.args, &key)?);
            self.keyed = true;
        }
        if d.width == Count::Star {
            let w = self.take()?;
            let Some(i) = int_of(&w) else {
                return Err(self.th.type_error(percent::STAR_WANTS_INT));
            };
            let done = d.width_is(i);
            self.th.pure(done)?;
        }
        if d.precision == Count::Star {
            let p = self.take()?;
            let Some(i) = int_of(&p) else {
                return Err(self.th.type_error(percent::STAR_WANTS_INT));
            };
            let done = d.precision_is(i);
            self.th.pure(done)?;
        }
        let v = match keyed {
            Some(v) => v,
            None => self.take()?,
        };
        self.apply(d, &v)
    }

    fn apply(&mut self, mut d: Directive, v: &Value) -> Res<String> {
        if self.bytes {
            match d.kind {
                's' | 'b' => {
                    let t = self.bytes_text(v)?;
                    return self.done(d.apply_str(&t));
                }
                'r' => d.kind = 'a',
                _ => {}
            }
        }
        let wants = d.wants();
        match self.th.pure(wants)? {
            Wants::Str => {
                let t = self.th.str_text(v)?;
                self.done(d.apply_str(&t))
            }
            Wants::Repr => {
                let t = self.th.repr(v)?;
                self.done(d.apply_str(&t))
            }
            Wants::Ascii => {
                let t = self.th.ascii(v)?;
                self.done(d.apply_str(&t))
            }
            Wants::Int => {
                let whole = match float_of(v) {
                    Some(x) => self.th.pure(int::from_float(x)).map(Some)?,
                    None => match self.th.try_index(v)? {
                        Some(i) => Some(i),
                        None if scripted(v) && self.th.has_special(v, name::INT) => {
                            let i = self.th.to_int(v)?;
                            int_of(&i).map(|i| i.to_val())
                        }
                        None => None,
                    },
                };
                match whole {
                    Some(i) => self.done(d.apply_int(i.borrow(), self.th.max_str_digits())),
                    None => Err(self.wrong(d.kind, v)),
                }
            }
            Wants::Index => match self.th.try_index(v)? {
                Some(i) => self.done(d.apply_int(i.borrow(), self.th.max_str_digits())),
                None => Err(self.wrong(d.kind, v)),
            },
            Wants::Float => match self.th.try_float(v)? {
                Some(x) => self.done(d.apply_float(x)),
                None => Err(self.wrong(d.kind, v)),
            },
            Wants::Char => self.apply_char(d, v),
        }
    }

    fn apply_char(&mut self, d: Directive, v: &Value) -> Res<String> {
        if self.bytes {
            let wrong = "%c requires an integer in range(256) or a single byte";
            let b = match (int_of(v), self.th.bytes_like(v)) {
                (Some(i), _) => match i.to_i64() {
                    Some(b @ 0..=255) => b as u8,
                    _ => {
                        return Err(self.th.raise(TypeId::OverflowError, "%c arg not in range(256)"));
                    }
                },
                (None, Some(one)) if one.len() == 1 => one[0],
                _ => return Err(self.th.type_error(wrong)),
            };
            return self.done(d.apply_char(b as char));
        }
        if let Some(t) = text(v) {
            let mut chars = t.chars();
            return match (chars.next(), chars.next()) {
                (Some(c), None) => self.done(d.apply_char(c)),
                _ => Err(self.th.type_error(percent::WANTS_CHAR)),
            };
        }
        match self.th.try_index(v)? {
            Some(i) => self.done(d.apply_code(i.borrow())),
            None => Err(self.th.type_error(percent::WANTS_CHAR)),
        }
    }

    /// `%s` and `%b` of bytes.
    fn bytes_text(&mut self, v: &Value) -> Res<String> {
        let b = match self.th.bytes_like(v) {
            Some(b) => b,
            None => match self.th.special(v, name::BYTES, &[])? {
                Some(answer) => self.th.to_bytes(&answer)?,
                None => {
                    let name = self.th.type_name(v);
                    return Err(self.th.type_error(format!(
                        "%b requires a bytes-like object, or an object that implements __bytes__, not '{name}'"
                    )));
                }
            },
        };
        Ok(b.iter().map(|&b| b as char).collect())
    }

    fn done(&mut self, r: crate::object::pure::Result<String>) -> Res<String> {
        self.th.pure(r)
    }

    #[cold]
    fn wrong(&mut self, kind: char, v: &Value) -> Raised {
        let name = self.th.type_name(v);
        self.th.raise_pure(percent::wrong_type(kind, name))
    }
}

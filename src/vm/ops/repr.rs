//! `repr()`, `str()`, `ascii()`.

use super::range::long_range_repr;
use super::scripted;
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::deque::Deque;
use crate::object::exception::Exception;
use crate::object::function::{Function, Generator, Method, Native};
use crate::object::instance::Instance;
use crate::object::module::Module;
use crate::object::pure::{float, int, text as pure};
use crate::object::types::*;
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use crate::vm::call_native::slot_wrapper;
use crate::vm::exception_group::MESSAGE;
use crate::vm::make::{int_of, text, tuple_items};
use crate::vm::native::NativeRow;
use crate::vm::{Res, Thread};

impl Thread {
    /// `repr(v)`.
    pub fn repr(&mut self, v: &Value) -> Res<String> {
        if scripted(v)
            && let Some(answer) = self.special(v, name::REPR, &[])?
        {
            return self.text_answer(answer, "__repr__");
        }
        self.base_repr(v)
    }

    /// What a `__repr__` or `__str__` method has returned.
    fn text_answer(&mut self, answer: Value, method: &str) -> Res<String> {
        match text(&answer) {
            Some(t) => Ok(t.to_string()),
            None => {
                let got = self.type_name(&answer);
                Err(self.type_error(format!("{method} returned non-string (type {got})")))
            }
        }
    }

    /// `str(v)`.
    pub fn str_text(&mut self, v: &Value) -> Res<String> {
        if let Some(t) = text(v)
            && !scripted(v)
        {
            return Ok(t.to_string());
        }
        if scripted(v)
            && let Some(answer) = self.special(v, name::STR, &[])?
        {
            return self.text_answer(answer, "__str__");
        }
        self.base_str(v)
    }

    /// `object.__str__` is repr; exceptions show their arguments.
    pub fn base_str(&mut self, v: &Value) -> Res<String> {
        match v {
            Value::Obj(r) if r.kind() == Kind::Exception => self.exception_text(v, r),
            Value::Obj(r) if r.kind() == Kind::Str => Ok(r.frozen::<Str>().text.to_string()),
            _ => self.repr(v),
        }
    }

    /// `str(v)` as an object; a str is itself.
    pub fn str_value(&mut self, v: &Value) -> Res<Value> {
        if text(v).is_some() && !scripted(v) {
            return Ok(v.clone());
        }
        let t = self.str_text(v)?;
        Ok(self.string(t))
    }

    /// `ascii(v)`.
    pub fn ascii(&mut self, v: &Value) -> Res<String> {
        if let Some(t) = text(v)
            && !scripted(v)
        {
            return Ok(pure::ascii(t));
        }
        let t = self.repr(v)?;
        if t.is_ascii() {
            return Ok(t);
        }
        let mut out = String::with_capacity(t.len() + 16);
        for c in t.chars() {
            match c as u32 {
                0..0x80 => out.push(c),
                n @ ..0x100 => out.push_str(&format!("\\x{n:02x}")),
                n @ ..0x10000 => out.push_str(&format!("\\u{n:04x}")),
                n => out.push_str(&format!("\\U{n:08x}")),
            }
        }
        Ok(out)
    }

    /// The repr that the builtin type gives.
    pub fn base_repr(&mut self, v: &Value) -> Res<String> {
        match v {
            Value::Int(i) => Ok(i.to_string()),
            Value::Bool(b) => Ok(if *b != 0 { "True" } else { "False" }.into()),
            Value::None => Ok("None".into()),
            Value::Float(x) => Ok(float::repr(x.get())),
            Value::Unbound => Ok("<unset>".into()),
            Value::Obj(r) => self.repr_object(v, r),
        }
    }

    fn repr_object(&mut self, v: &Value, r: &Ref) -> Res<String> {
        match r.kind() {
            Kind::Float => Ok(float::repr(r.frozen::<FloatObj>().x)),
            Kind::Str => {
                let s = &r.frozen::<Str>().text;
                self.room(s.len().saturating_mul(2))?;
                Ok(pure::repr(s))
            }
            Kind::BigInt => {
                let most = self.max_str_digits();
                let t = int_of(v).map(|i| int::to_decimal(i, most));
                self.pure(t.unwrap_or_else(|| Ok(String::new())))
            }
            Kind::Bytes => Ok(bytes_repr(&r.frozen::<Bytes>().0)),
            Kind::ByteArray => Ok(format!("bytearray({})", bytes_repr(&self.bytes_copy(r)))),
            Kind::Tuple if r.shape() == TypeId::UnionType.shape() => {
                let mut names = Vec::new();
                for c in &r.frozen::<Tuple>().0 {
                    names.push(match c {
                        Value::Obj(r) if r.is::<Class>() => {
                            let (m, q) = r.with::<Class, _>(&self.held, |c| (c.module, c.qualname.clone()));
                            if &*q == "NoneType" { "None".to_string() } else { dotted(m, &q) }
                        }
                        other => self.repr(other)?,
                    });
                }
                Ok(names.join(" | "))
            }
            Kind::List | Kind::Deque | Kind::Tuple | Kind::Dict | Kind::Set | Kind::FrozenSet | Kind::View => {
                self.repr_container(v, r)
            }
            Kind::Range => {
                let x = *r.frozen::<Range>();
                Ok(match x.step {
                    1 => format!("range({}, {})", x.start, x.stop),
                    step => format!("range({}, {}, {step})", x.start, x.stop),
                })
            }
            Kind::LongRange => Ok(long_range_repr(r.frozen::<LongRange>())),
            Kind::Iter => self.repr_iterator(v, r),
            Kind::Slice => {
                let s = r.frozen::<Slice>();
                let (start, stop, step) = (self.repr(&s.start)?, self.repr(&s.stop)?, self.repr(&s.step)?);
                Ok(format!("slice({start}, {stop}, {step})"))
            }
            Kind::Exception => self.repr_exception(v, r),
            Kind::Class => {
                let (module, qualname) = r.with::<Class, _>(&self.held, |c| (c.module, c.qualname.to_string()));
                Ok(format!("<class '{}'>", dotted(module, &qualname)))
            }
            Kind::Instance if self.type_of(v).same(self.interp.class(&self.held, TypeId::Namespace)) => {
                self.repr_namespace(r)
            }
            Kind::Opaque | Kind::Lock => self.repr_opaque(v, r),
            _ => self.repr_code(v, r),
        }
    }

    fn repr_native(&self, r: &Ref) -> String {
        let n = r.frozen::<Native>();
        let row = self.interp.natives[n.row as usize];
        match &n.this {
            Value::Unbound if row.name == "__new__" => {
                format!("<built-in method __new__ of type object at {:#x}>", r.address())
            }
            Value::Unbound if is_slot(row) => format!("<slot wrapper '{}' of '{}' objects>", row.name, row.module),
            Value::Unbound if row.method => format!("<method '{}' of '{}' objects>", row.name, row.module),
            Value::Unbound => format!("<built-in function {}>", row.name),
            this => {
                let (of, at) = (self.type_name(this), this.as_ref().map_or(0, Ref::address));
                let kind = if is_slot(row) { "method-wrapper" } else { "built-in method" };
                let quote = if is_slot(row) { "'" } else { "" };
                format!("<{kind} {quote}{}{quote} of {of} object at {at:#x}>", row.name)
            }
        }
    }

    /// Functions and what belongs to them; all else by its class and address.
    fn repr_code(&mut self, v: &Value, r: &Ref) -> Res<String> {
        let at = r.address();
        Ok(match r.kind() {
            Kind::Function => {
                let q = r.with::<Function, _>(&self.held, |f| f.qualname.to_string());
                format!("<function {q} at {at:#x}>")
            }
            Kind::Generator => {
                let (q, kind) = r.with::<Generator, _>(&self.held, |g| (g.qualname.to_string(), g.kind.type_id()));
                format!("<{} object {q} at {at:#x}>", kind.name())
            }
            Kind::Native => self.repr_native(r),
            Kind::Method => {
                let m = r.frozen::<Method>();
                let (func, this) = (m.func.clone(), m.this.clone());
                if let (Some(n), Some(of)) = (func.as_ref().and_then(|f| f.get::<Native>()), this.as_ref()) {
                    let (row, at) = (self.interp.natives[n.row as usize], of.address());
                    return Ok(format!("<built-in method {} of type object at {at:#x}>", row.name));
                }
                let shown = self.repr(&this)?;
                let q = match func.as_ref() {
                    Some(f) if f.is::<Function>() => f.with::<Function, _>(&self.held, |f| f.qualname.to_string()),
                    _ => "?".into(),
                };
                format!("<bound method {q} of {shown}>")
            }
            Kind::Module => {
                let (n, file) = r.with::<Module, _>(&self.held, |m| {
                    let file = m.names.get(name::FILE).and_then(text).map(str::to_string);
                    (m.name, file)
                });
                match file {
                    Some(file) => format!("<module '{n}' from {}>", pure::repr(&file)),
                    None => format!("<module '{n}' (built-in)>"),
                }
            }
            Kind::Code => {
                let code = r.frozen::<CodeObj>();
                format!("<code object {} at {at:#x}>", code.code.name)
            }
            Kind::Descriptor => {
                let d = r.frozen::<Descriptor>();
                let shown = match d.kind {
                    DescriptorKind::Property => return Ok(format!("<property object at {at:#x}>")),
                    DescriptorKind::Member => {
                        let class = d.set.as_ref().map_or("", |r| self.class_name(r).text());
                        return Ok(format!("<member '{}' of '{class}' objects>", text(&d.get).unwrap_or_default()));
                    }
                    DescriptorKind::ClassMethod => "classmethod",
                    DescriptorKind::StaticMethod => "staticmethod",
                };
                let get = d.get.clone();
                format!("<{shown}({})>", self.repr(&get)?)
            }
            Kind::Super => {
                let s = r.frozen::<Super>();
                let (class, of) = (s.class.clone(), s.object_class.clone());
                let n = |th: &Thread, v: &Value| v.as_ref().map_or("NULL", |c| th.class_name(c).text());
                format!("<super: <class '{}'>, <{} object>>", n(self, &class), n(self, &of))
            }
            _ => return Ok(self.object_repr(v)),
        })
    }

    /// `object.__repr__`: the class and the address.
    pub fn object_repr(&mut self, v: &Value) -> String {
        let class = self.type_of(v);
        let (module, qualname) = class.with::<Class, _>(&self.held, |c| (c.module, c.qualname.to_string()));
        let at = v.as_ref().map_or(0, Ref::address);
        format!("<{} object at {at:#x}>", dotted(module, &qualname))
    }

    /// The two constants by name; other native states by their row `__repr__`, if they have one.
    fn repr_opaque(&mut self, v: &Value, r: &Ref) -> Res<String> {
        match TypeId::of_shape(r.shape()) {
            Some(TypeId::Ellipsis) => return Ok("Ellipsis".into()),
            Some(TypeId::NotImplementedType) => return Ok("NotImplemented".into()),
            _ => {}
        }
        let class = self.type_of(v);
        match self.lookup(&class, name::REPR) {
            Some(f) if !self.is_object_method(&f) => {
                let answer = self.call(&f, std::slice::from_ref(v))?;
                self.text_answer(answer, "__repr__")
            }
            _ => Ok(self.object_repr(v)),
        }
    }

    /// Is it a native method of `object` itself?
    fn is_object_method(&self, f: &Value) -> bool {
        f.as_ref()
            .and_then(|r| r.get::<Native>())
            .is_some_and(|n| self.interp.natives[n.row as usize].module == "object")
    }

    fn repr_container(&mut self, v: &Value, r: &Ref) -> Res<String> {
        if self.in_repr.iter().any(|x| x.same(r)) {
            return Ok(match r.kind() {
                Kind::List | Kind::Deque => "[...]".into(),
                Kind::Tuple => "(...)".into(),
                Kind::Dict => "{...}".into(),
                Kind::View => "...".into(),
                _ => format!("{}(...)", self.type_name(v)),
            });
        }
        self.in_repr.push(r.clone());
        let out = self.guarded(" while getting the repr of an object", |th| th.repr_items(v, r));
        self.in_repr.pop();
        out
    }

    fn repr_items(&mut self, v: &Value, r: &Ref) -> Res<String> {
        match r.kind() {
            Kind::List => self.repr_list(r),
            Kind::Deque => {
                let max = r.with::<Deque, _>(&self.held, |d| d.max);
                let items = self.deque_items(r);
                let class = self.type_of(v);
                let (name, shown) = (self.class_name(&class), self.repr_row("([", &items)?);
                Ok(match max {
                    None => format!("{name}{shown}])"),
                    Some(max) => format!("{name}{shown}], maxlen={max})"),
                })
            }
            Kind::Tuple => {
                let items = tuple_items(v).unwrap_or_default();
                let mut out = self.repr_row("(", items)?;
                if items.len() == 1 {
                    out.push(',');
                }
                out.push(')');
                Ok(out)
            }
            Kind::Dict => {
                let items = self.dict_items(r);
                let mut out = String::from("{");
                for (i, (k, v)) in items.iter().enumerate() {
                    if i > 0 {
                        out.push_str(", ");
                    }
                    out.push_str(&self.repr(k)?);
                    out.push_str(": ");
                    out.push_str(&self.repr(v)?);
                }
                out.push('}');
                Ok(out)
            }
            Kind::View => {
                let view = r.frozen::<View>();
                let items: Vec<Value> = match view.part {
                    Part::Keys => self.dict_keys(&view.dict),
                    Part::Values => self.dict_items(&view.dict).into_iter().map(|(_, v)| v).collect(),
                    Part::Items => {
                        let pairs = self.dict_items(&view.dict);
                        pairs.into_iter().map(|(k, v)| self.tuple(vec![k, v])).collect()
                    }
                };
                let shown = self.repr_row("([", &items)?;
                Ok(format!("{}{shown}])", self.type_name(v)))
            }
            _ => {
                let items = self.set_items(r);
                let exact = TypeId::of_shape(r.shape()) == Some(TypeId::Set);
                if items.is_empty() {
                    return Ok(format!("{}()", self.type_name(v)));
                }
                let shown = self.repr_row("{", &items)?;
                if exact {
                    return Ok(shown + "}");
                }
                Ok(format!("{}({shown}}})", self.type_name(v)))
            }
        }
    }

    /// By index: the list may change while its items are asked.
    fn repr_list(&mut self, r: &Ref) -> Res<String> {
        let mut out = String::from("[");
        let mut at = 0;
        while let Some(item) = r.with::<List, _>(&self.held, |l| l.items.get(at).cloned()) {
            if at > 0 {
                out.push_str(", ");
            }
            out.push_str(&self.repr(&item)?);
            at += 1;
        }
        out.push(']');
        Ok(out)
    }

    fn repr_row(&mut self, open: &str, items: &[Value]) -> Res<String> {
        let mut out = String::from(open);
        for (i, v) in items.iter().enumerate() {
            if i > 0 {
                out.push_str(", ");
            }
            out.push_str(&self.repr(v)?);
        }
        Ok(out)
    }

    fn repr_namespace(&mut self, r: &Ref) -> Res<String> {
        if self.in_repr.iter().any(|x| x.same(r)) {
            return Ok("namespace(...)".into());
        }
        debug_assert!(r.is::<Instance>());
        self.in_repr.push(r.clone());
        let mut shown = Vec::new();
        let mut failed = None;
        for (n, v) in self.instance_items(r) {
            match self.repr(&v) {
                Ok(t) => shown.push(format!("{n}={t}")),
                Err(e) => {
                    failed = Some(e);
                    break;
                }
            }
        }
        self.in_repr.pop();
        match failed {
            Some(e) => Err(e),
            None => Ok(format!("namespace({})", shown.join(", "))),
        }
    }

    fn repr_exception(&mut self, v: &Value, r: &Ref) -> Res<String> {
        let args = r.with::<Exception, _>(&self.held, |e| e.args.clone());
        let name = self.type_name(v);
        let items = tuple_items(&args).unwrap_or_default();
        Ok(match items {
            [one] => format!("{name}({})", self.repr(one)?),
            _ => format!("{name}{}", self.repr(&args)?),
        })
    }

    /// `str()` of a UnicodeDecodeError or UnicodeEncodeError, by what it could not read.
    fn unicode_text(&self, object: &Value, start: i64, end: i64, encoding: &str, reason: &str) -> String {
        let at = usize::try_from(start).unwrap_or(0);
        let (verb, many, one) = match text(object) {
            Some(t) => {
                let shown = t.chars().nth(at).map(|c| match c as u32 {
                    n @ ..0x100 => format!("\\x{n:02x}"),
                    n @ ..0x10000 => format!("\\u{n:04x}"),
                    n => format!("\\U{n:08x}"),
                });
                ("encode", "characters", shown.map(|s| format!("character '{s}'")))
            }
            None => {
                let byte = self.bytes_like(object).and_then(|b| b.get(at).copied());
                ("decode", "bytes", byte.map(|b| format!("byte 0x{b:02x}")))
            }
        };
        match one {
            Some(one) if end == start + 1 => {
                format!("'{encoding}' codec can't {verb} {one} in position {start}: {reason}")
            }
            _ => format!("'{encoding}' codec can't {verb} {many} in position {start}-{}: {reason}", end - 1),
        }
    }

    /// `str(exception)`.
    fn exception_text(&mut self, v: &Value, r: &Ref) -> Res<String> {
        let (args, extra) = r.with::<Exception, _>(&self.held, |e| (e.args.clone(), e.extra.clone()));
        let items = tuple_items(&args).unwrap_or_default();
        let field = |n: &str| extra.iter().find(|(k, _)| k.text() == n).map(|(_, v)| v.clone());
        if self.is_a(v, TypeId::OSError)
            && let (Some(number), Some(words)) = (field("errno"), field("strerror"))
        {
            let (number, words) = (self.str_text(&number)?, self.str_text(&words)?);
            let named = |n| field(n).filter(|f| !f.is_none());
            return Ok(match (named("filename"), named("filename2")) {
                (Some(file), Some(to)) => {
                    format!("[Errno {number}] {words}: {} -> {}", self.repr(&file)?, self.repr(&to)?)
                }
                (Some(file), None) => format!("[Errno {number}] {words}: {}", self.repr(&file)?),
                (None, _) => format!("[Errno {number}] {words}"),
            });
        }
        if let (Some(members), Some(message)) = (self.group_members(v), field(MESSAGE)) {
            let (text, n) = (self.str_text(&message)?, members.len());
            return Ok(format!("{text} ({n} sub-exception{})", if n == 1 { "" } else { "s" }));
        }
        if let [encoding, object, Value::Int(start), Value::Int(end), reason] = items
            && (self.is_a(v, TypeId::UnicodeDecodeError) || self.is_a(v, TypeId::UnicodeEncodeError))
        {
            let (encoding, reason) = (self.str_text(encoding)?, self.str_text(reason)?);
            return Ok(self.unicode_text(object, *start, *end, &encoding, &reason));
        }
        match items {
            [] => Ok(String::new()),
            [one] if self.is_a(v, TypeId::KeyError) => self.repr(one),
            [one] => self.str_text(one),
            _ => self.repr(&args),
        }
    }
}

/// A class's name as reprs show it: builtins without their module.
fn dotted(module: Name, qualname: &str) -> String {
    if module == name::BUILTINS { qualname.to_string() } else { format!("{module}.{qualname}") }
}

/// `b'...'`.
pub fn bytes_repr(b: &[u8]) -> String {
    let quote = if b.contains(&b'\'') && !b.contains(&b'"') { b'"' } else { b'\'' };
    let mut out = String::with_capacity(b.len() + 3);
    out.push('b');
    out.push(quote as char);
    for &c in b {
        match c {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c as char);
            }
            b' '..=b'~' => out.push(c as char),
            _ => out.push_str(&format!("\\x{c:02x}")),
        }
    }
    out.push(quote as char);
    out
}

/// Is it a method that CPython derives from a slot of the type, the constructor aside?
fn is_slot(row: &NativeRow) -> bool {
    let more = ["__init__", "__setattr__", "__delattr__", "__getattribute__"];
    slot_wrapper(row) || row.method && more.contains(&row.name)
}

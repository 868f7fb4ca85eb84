//! `_json`: reading JSON. Writing: json_write.rs; options and classes: `kit/json.kit`.
//!
//! One pass over the bytes of the text, one step of recursion for each bracket, bounded by the recursion
//! limit (`guarded`). Which place an error names, and in which words, is what CPython's scanner does.

use super::json_write;
use crate::natives;
use crate::object::Value;
use crate::object::pure::int;
use crate::vm::make::text;
use crate::vm::{Call, Raised, Res, Thread};
use hashbrown::HashMap;

natives! { pub JSON, "_json";
    /// Reads a document. `error` is the class that is raised, called with message, text and place;
    /// `hooks` are functions or None for objects, pairs of objects, floats, ints and constants.
    holds loads("s, error, hooks, strict") = loads;
    /// Reads one value at position `idx`: the pair of it and the position after it; None if there is none.
    holds scan("s, idx, error, hooks, strict") = scan;
    /// A value as JSON text.
    holds dumps("obj, indent, item_separator, key_separator, ensure_ascii, sort_keys, skipkeys, allow_nan, check_circular, default") = json_write::dumps;
    /// A str as a JSON string.
    holds quote("s, ensure_ascii") = json_write::quote_row;
}

/// What stops the reader.
enum Fault {
    /// The text is wrong: a message and a byte offset.
    Text(&'static str, usize),
    /// An exception is on its way.
    Raised(Raised),
}

impl From<Raised> for Fault {
    fn from(r: Raised) -> Fault {
        Fault::Raised(r)
    }
}

fn fault<T>(text: &'static str, at: usize) -> Result<T, Fault> {
    Err(Fault::Text(text, at))
}

type Keys = HashMap<Box<str>, Value, foldhash::fast::FixedState>;

struct Reader<'t> {
    text: &'t str,
    bytes: &'t [u8],
    at: usize,
    hooks: [Option<Value>; 5],
    strict: bool,
    /// Keys seen before: records share theirs.
    keys: Keys,
}

const OBJECT: usize = 0;
const PAIRS: usize = 1;
const FLOAT: usize = 2;
const INT: usize = 3;
const CONSTANT: usize = 4;

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn value(&mut self, th: &mut Thread) -> Result<Value, Fault> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                let s = self.string()?;
                Ok(th.string(s))
            }
            Some(b'{') => self.deeper(th, " while decoding a JSON object from a unicode string", Self::object),
            Some(b'[') => self.deeper(th, " while decoding a JSON array from a unicode string", Self::array),
            Some(b'0'..=b'9') => self.number(th),
            Some(b'-') if matches!(self.bytes.get(self.at + 1), Some(b'0'..=b'9')) => self.number(th),
            _ => self.word(th),
        }
    }

    fn deeper(
        &mut self,
        th: &mut Thread,
        doing: &str,
        f: fn(&mut Self, &mut Thread) -> Result<Value, Fault>,
    ) -> Result<Value, Fault> {
        let mut inner = fault("", 0);
        th.guarded(doing, |th| {
            inner = f(self, th);
            Ok(())
        })?;
        inner
    }

    fn word(&mut self, th: &mut Thread) -> Result<Value, Fault> {
        const WORDS: [(&str, Option<Value>); 6] = [
            ("null", Some(Value::None)),
            ("true", Some(Value::TRUE)),
            ("false", Some(Value::FALSE)),
            ("NaN", None),
            ("Infinity", None),
            ("-Infinity", None),
        ];
        let rest = &self.bytes[self.at.min(self.bytes.len())..];
        let Some((word, plain)) = WORDS.iter().find(|(w, _)| rest.starts_with(w.as_bytes())) else {
            return fault("Expecting value", self.at);
        };
        self.at += word.len();
        if let Some(v) = plain {
            return Ok(v.clone());
        }
        if let Some(hook) = self.hooks[CONSTANT].clone() {
            let word = th.str(word);
            return Ok(th.call(&hook, &[word])?);
        }
        Ok(Value::float(match *word {
            "NaN" => f64::NAN,
            "Infinity" => f64::INFINITY,
            _ => f64::NEG_INFINITY,
        }))
    }

    fn digits(&mut self) -> bool {
        let begin = self.at;
        while let Some(b'0'..=b'9') = self.peek() {
            self.at += 1;
        }
        self.at > begin
    }

    fn number(&mut self, th: &mut Thread) -> Result<Value, Fault> {
        let begin = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits();
        }
        let (whole, mut is_float) = (self.at, false);
        if self.peek() == Some(b'.') {
            self.at += 1;
            is_float = self.digits();
            if !is_float {
                self.at = whole;
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            let before = self.at;
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            if self.digits() {
                is_float = true;
            } else {
                self.at = before;
            }
        }
        let source = &self.text[begin..self.at];
        if let Some(hook) = self.hooks[if is_float { FLOAT } else { INT }].clone() {
            let source = th.str(source);
            return Ok(th.call(&hook, &[source])?);
        }
        if is_float {
            return Ok(Value::float(source.parse().unwrap_or(f64::NAN)));
        }
        if let Ok(small) = source.parse::<i64>() {
            return Ok(Value::Int(small));
        }
        let parsed = int::parse(source, 10, int::MAX_STR_DIGITS);
        let big = th.pure(parsed)?;
        Ok(th.int(big))
    }

    fn array(&mut self, th: &mut Thread) -> Result<Value, Fault> {
        self.at += 1;
        self.blanks();
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(th.list(items));
        }
        loop {
            items.push(self.value(th)?);
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(th.list(items));
                }
                _ => return fault("Expecting ',' delimiter", self.at),
            }
            self.blanks();
        }
    }

    fn object(&mut self, th: &mut Thread) -> Result<Value, Fault> {
        const NAME: &str = "Expecting property name enclosed in double quotes";
        self.at += 1;
        self.blanks();
        let mut pairs = Vec::new();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return self.finish(th, pairs);
        }
        loop {
            if self.peek() != Some(b'"') {
                return fault(NAME, self.at);
            }
            self.at += 1;
            let key = self.string()?;
            let key = match self.keys.get(&*key) {
                Some(k) => k.clone(),
                None => {
                    let v = th.str(&key);
                    self.keys.insert(key.into(), v.clone());
                    v
                }
            };
            self.blanks();
            if self.peek() != Some(b':') {
                return fault("Expecting ':' delimiter", self.at);
            }
            self.at += 1;
            self.blanks();
            let v = self.value(th)?;
            pairs.push((key, v));
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return self.finish(th, pairs);
                }
                _ => return fault("Expecting ',' delimiter", self.at),
            }
            self.blanks();
        }
    }

    fn finish(&mut self, th: &mut Thread, pairs: Vec<(Value, Value)>) -> Result<Value, Fault> {
        if let Some(hook) = self.hooks[PAIRS].clone() {
            let pairs = pairs.into_iter().map(|(k, v)| th.tuple(vec![k, v])).collect();
            let pairs = th.list(pairs);
            return Ok(th.call(&hook, &[pairs])?);
        }
        let d = th.dict();
        for (k, v) in pairs {
            th.dict_set(&d, k, v)?;
        }
        match self.hooks[OBJECT].clone() {
            Some(hook) => Ok(th.call(&hook, &[d.into()])?),
            None => Ok(d.into()),
        }
    }

    /// The string whose opening quote is just behind.
    fn string(&mut self) -> Result<String, Fault> {
        const UNTERMINATED: &str = "Unterminated string starting at";
        let begin = self.at - 1;
        let mut out = String::new();
        loop {
            let from = self.at;
            while let Some(b) = self.peek() {
                if b == b'"' || b == b'\\' || (b < 0x20 && self.strict) {
                    break;
                }
                self.at += 1;
            }
            out.push_str(&self.text[from..self.at]);
            match self.peek() {
                None => return fault(UNTERMINATED, begin),
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.peek() {
                        None => return fault(UNTERMINATED, begin),
                        Some(b'u') => out.push(self.unicode()?),
                        Some(b) => {
                            out.push(match b {
                                b'"' | b'\\' | b'/' => b as char,
                                b'b' => '\x08',
                                b'f' => '\x0c',
                                b'n' => '\n',
                                b'r' => '\r',
                                b't' => '\t',
                                _ => return fault("Invalid \\escape", self.at - 1),
                            });
                            self.at += 1;
                        }
                    }
                }
                Some(_) => return fault("Invalid control character at", self.at),
            }
        }
    }

    /// Four hexadecimal digits after `\u`, at which `at` stands; two such escapes for what is beyond U+FFFF.
    fn unicode(&mut self) -> Result<char, Fault> {
        let first = self.four()?;
        if !(0xd800..0xe000).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or('\u{fffd}'));
        }
        let here = self.at;
        if first < 0xdc00 && self.bytes[self.at..].starts_with(b"\\u") {
            self.at += 1;
            let second = self.four()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
        }
        fault("Kit's strings hold no lone surrogates", here - 6)
    }

    fn four(&mut self) -> Result<u32, Fault> {
        let digits = self.bytes.get(self.at + 1..self.at + 5).filter(|d| d.iter().all(u8::is_ascii_hexdigit));
        let code = digits.and_then(|d| u32::from_str_radix(std::str::from_utf8(d).ok()?, 16).ok());
        let Some(code) = code else {
            return fault("Invalid \\uXXXX escape", self.at);
        };
        self.at += 5;
        Ok(code)
    }
}

/// Raises `error(message, text, place)`.
fn raise<T>(th: &mut Thread, error: &Value, source: &Value, fault: Fault) -> Res<T> {
    let (message, at) = match fault {
        Fault::Text(message, at) => (message, at),
        Fault::Raised(r) => return Err(r),
    };
    let at = text(source).map_or(0, |t| t[..at.min(t.len())].chars().count());
    let message = th.str(message);
    let e = th.call(error, &[message, source.clone(), Value::Int(at as i64)])?;
    Err(th.raise_value(e))
}

fn reader<'t>(c: &mut Call, source: &'t Value, hooks: usize) -> Res<Reader<'t>> {
    let text = c.expect_str(source, "the JSON object")?;
    let given = c.arg(hooks);
    let mut all: [Option<Value>; 5] = Default::default();
    for (place, v) in all.iter_mut().zip(c.collect(&given)?) {
        *place = Some(v).filter(|v| !v.is_none());
    }
    let strict = c.arg(hooks + 1);
    let strict = c.truth(&strict)?;
    Ok(Reader { text, bytes: text.as_bytes(), at: 0, hooks: all, strict, keys: Keys::default() })
}

fn loads(c: &mut Call) -> Res<Value> {
    let (source, error) = (c.arg(0), c.arg(1));
    let mut r = reader(c, &source, 2)?;
    r.blanks();
    let v = match r.value(c) {
        Ok(v) => v,
        Err(f) => return raise(c, &error, &source, f),
    };
    r.blanks();
    if r.at < r.bytes.len() {
        return raise(c, &error, &source, Fault::Text("Extra data", r.at));
    }
    Ok(v)
}

fn scan(c: &mut Call) -> Res<Value> {
    let (source, idx, error) = (c.arg(0), c.arg(1), c.arg(2));
    let idx = c.index(&idx)?;
    let mut r = reader(c, &source, 3)?;
    let chars = usize::try_from(idx).unwrap_or(0);
    r.at = r.text.char_indices().nth(chars).map_or(r.text.len(), |(at, _)| at);
    let begin = r.at;
    match r.value(c) {
        Ok(v) => {
            let end = chars + r.text[begin..r.at].chars().count();
            Ok(c.tuple(vec![v, Value::Int(end as i64)]))
        }
        Err(f) => raise(c, &error, &source, f),
    }
}

//! `_re`: regular expressions.
//!
//! A pattern is translated (translate.rs) for the engine, which runs what has no look-around and no
//! backreference in linear time and backtracks for the rest. Here are the searches; `Pattern` and `Match`
//! are classes of `kit/re.kit`, which ask for spans and make objects of them.
//!
//! E1: places are byte offsets of the engine's text here and positions in characters in scripts; `Places`
//! walks the text once, forward.
//! E2: bytes are searched as text of the characters below U+0100, one for each byte, in ASCII mode.
//! E3: `$` without `M` means two things; which one is known from the text: if it does not end in a line
//! end, `$` is the end, which the fast engine can do.
//! E4: after an empty match the next one at the same place must not be empty, as in CPython 3.7 and later.
//!
//! Source of syntax and errors: CPython's `re._parser`. Not here: templates of `sub` (`kit/re.kit`).

mod set;
mod translate;

use self::translate::{END, Translated, translate};
use crate::natives;
use crate::object::{TypeId, Value};
use crate::stdlib::data::{state, this};
use crate::vm::make::{int_of, str_of, text};
use crate::vm::{Call, Res, Thread};
use fancy_regex::{Captures, RegexBuilder, RegexInput};
use std::borrow::Cow;
use std::sync::Arc;

pub const I: u32 = 2;
pub const L: u32 = 4;
pub const M: u32 = 8;
pub const S: u32 = 16;
pub const U: u32 = 32;
pub const X: u32 = 64;
pub const A: u32 = 256;

/// Steps of backtracking before a search is given up: minutes.
const STEPS_MAX: usize = 2_000_000_000;

natives! { pub MODULE, "_re";
    /// Compiles a pattern: (state, flags, groups, names with their numbers). `error` is the class that is raised.
    holds compile("error, pattern, flags, /") = compile;
    /// The spans of one match: a flat tuple of starts and ends (-1: no part of it), and the last group; or None.
    /// Mode 0 searches, 1 matches at `pos`, 2 matches all from `pos` to `endpos`.
    holds find("regex, string, pos, endpos, mode, /") = find;
    /// The texts of groups 1 and on by spans; `default` for those that took no part.
    holds groups("string, spans, default, /") = groups;
    /// The spans of all matches (at most `limit`, 0: all).
    holds spans("regex, string, pos, endpos, limit, /") = spans;
    /// `findall`.
    holds findall("regex, string, pos, endpos, /") = findall;
    /// The text with matches replaced, and their number: by a template (list of texts and group numbers), or by what
    /// `make(spans)` gives.
    holds sub("regex, string, template, make, count, /") = sub;
    /// The parts between matches, and the groups of the matches.
    holds split("regex, string, maxsplit, /") = split;
}

/// The engine's forms of one pattern, compiled when they are needed.
struct Regex {
    text: String,
    flags: u32,
    closed: Vec<usize>,
    chooses: bool,
    bytes: bool,
    forms: [Option<Arc<fancy_regex::Regex>>; 8],
}

/// A form: whether it must match to the end, must not be empty, and knows a last line end.
#[derive(Clone, Copy, Default)]
struct Form {
    full: bool,
    not_empty: bool,
    line_end: bool,
}

impl Regex {
    fn form(&mut self, f: Form) -> Result<Arc<fancy_regex::Regex>, String> {
        let f = Form { line_end: f.line_end && self.text.contains(END), ..f };
        let place = usize::from(f.full) + 2 * usize::from(f.not_empty) + 4 * usize::from(f.line_end);
        if let Some(r) = &self.forms[place] {
            return Ok(r.clone());
        }
        let mut text = self.text.replace(END, if f.line_end { "(?=\\n?\\z)" } else { "\\z" });
        if f.full {
            text.push_str("\\z");
        }
        let mut builder = RegexBuilder::new(&text);
        builder.backtrack_limit(STEPS_MAX).find_not_empty(f.not_empty);
        let r = Arc::new(builder.build().map_err(|e| e.to_string())?);
        self.forms[place] = Some(r.clone());
        Ok(r)
    }
}

/// The text that is searched, and how its bytes are counted as characters (E1).
struct Subject<'v> {
    text: Cow<'v, str>,
    ascii: bool,
    bytes: bool,
    line_end: bool,
}

impl Subject<'_> {
    fn offset(&self, chars: usize) -> usize {
        if self.ascii {
            return chars.min(self.text.len());
        }
        self.text.char_indices().nth(chars).map_or(self.text.len(), |(at, _)| at)
    }
    fn value(&self, th: &mut Thread, from: usize, to: usize) -> Value {
        let part = &self.text[from..to];
        match self.bytes {
            true => th.bytes(part.chars().map(|c| c as u8).collect::<Vec<u8>>()),
            false => th.str(part),
        }
    }
}

/// Byte offsets as positions in characters.
struct Places<'s> {
    text: &'s str,
    ascii: bool,
    at: usize,
    chars: usize,
}

impl<'s> Places<'s> {
    fn new(s: &'s Subject) -> Places<'s> {
        Places { text: &s.text, ascii: s.ascii, at: 0, chars: 0 }
    }
    fn of(&mut self, byte: usize) -> i64 {
        if self.ascii {
            return byte as i64;
        }
        if byte < self.at {
            return self.text[..byte].chars().count() as i64;
        }
        self.chars += self.text[self.at..byte].chars().count();
        self.at = byte;
        self.chars as i64
    }
}

fn latin(b: &[u8]) -> String {
    b.iter().map(|b| *b as char).collect()
}

fn compile(c: &mut Call) -> Res<Value> {
    let (class, pattern, flags) = (c.arg(0), c.arg(1), c.arg(2));
    let flags = c.index(&flags)? as u32;
    let (source, is_bytes) = match text(&pattern) {
        Some(t) => (t.to_string(), false),
        None => match c.bytes_like(&pattern) {
            Some(b) => (latin(&b), true),
            None => return Err(c.type_error("first argument must be string or compiled pattern")),
        },
    };
    let t = match translate(&source, flags, is_bytes) {
        Ok(t) => t,
        Err(w) => {
            let at = if w.at == usize::MAX { Value::None } else { Value::Int(w.at as i64) };
            return fail(c, &class, &w.message, pattern, at);
        }
    };
    let Translated { text, flags, groups, names, closed, chooses } = t;
    let mut regex = Regex { text, flags, closed, chooses, bytes: is_bytes, forms: Default::default() };
    if let Err(e) = regex.form(Form::default()) {
        return fail(c, &class, &format!("Kit's engine refuses it: {e}"), pattern, Value::None);
    }
    let names = names.into_iter().map(|(name, number)| {
        let name = c.str(&name);
        c.tuple(vec![name, Value::Int(number as i64)])
    });
    let names = names.collect();
    let names = c.list(names);
    let flags = Value::Int(regex.flags.into());
    let regex = state(c, TypeId::Regex, regex);
    Ok(c.tuple(vec![regex, flags, Value::Int(groups as i64), names]))
}

fn fail<T>(th: &mut Thread, class: &Value, message: &str, pattern: Value, at: Value) -> Res<T> {
    let message = th.str(message);
    let e = th.call(class, &[message, pattern, at])?;
    Err(th.raise_value(e))
}

/// Argument 1, which the caller holds as `v`, as the text to search, up to `endpos`. Nothing is copied or counted
/// but of bytes and of what is not ASCII: a tokenizer asks at every place of a long text.
fn subject<'v>(c: &mut Call, v: &'v Value, endpos: Option<usize>) -> Res<Subject<'v>> {
    let wants_bytes = this(c, "pattern", |r: &mut Regex| r.bytes)?;
    let (text, ascii) = match (str_of(v), wants_bytes) {
        (Some(s), false) => (Cow::Borrowed(&*s.text), s.is_ascii()),
        (Some(_), true) => return Err(c.type_error("cannot use a bytes pattern on a string-like object")),
        (None, _) => match c.bytes_like(v) {
            Some(b) if wants_bytes => (Cow::Owned(latin(&b)), b.is_ascii()),
            Some(_) => return Err(c.type_error("cannot use a string pattern on a bytes-like object")),
            None => {
                let got = c.type_name(v);
                return Err(c.type_error(format!("expected string or bytes-like object, got '{got}'")));
            }
        },
    };
    let mut s = Subject { text, ascii, bytes: wants_bytes, line_end: false };
    if let Some(chars) = endpos.filter(|chars| *chars < s.text.len()) {
        let end = s.offset(chars);
        match &mut s.text {
            Cow::Borrowed(t) => {
                let t: &'v str = t;
                s.text = Cow::Borrowed(&t[..end]);
            }
            Cow::Owned(t) => t.truncate(end),
        }
    }
    s.line_end = s.text.ends_with('\n');
    Ok(s)
}

/// A position argument: negative is 0, beyond the end is the end.
fn position(c: &mut Call, i: usize) -> Res<usize> {
    let v = c.arg(i);
    Ok(int_of(&v).map_or(0, |n| n.clamp_i64()).max(0) as usize)
}

fn search<'t>(c: &mut Call, s: &'t Subject, at: usize, form: Form, anchored: bool) -> Res<Option<Captures<'t, str>>> {
    let form = Form { line_end: s.line_end, ..form };
    let regex = match this(c, "pattern", |r: &mut Regex| r.form(form))? {
        Ok(r) => r,
        // What can only be empty never matches where it must not be.
        Err(_) if form.not_empty => return Ok(None),
        Err(e) => return Err(c.runtime_error(e)),
    };
    match regex.captures_input(RegexInput::new(&*s.text).from_pos(at).anchored(anchored)) {
        Ok(found) => Ok(found),
        Err(e) => Err(c.runtime_error(format!("Kit gives the search up: {e}"))),
    }
}

/// The spans of a match as scripts get them.
fn flat(c: &mut Call, found: &Captures<str>, places: &mut Places) -> Res<Value> {
    // The group that was closed last: the one that ends last; of several, the outer one.
    let last = this(c, "pattern", |r: &mut Regex| {
        let mut best: Option<(usize, usize)> = None;
        for g in &r.closed {
            if let Some(end) = found.get(*g).map(|m| m.end())
                && best.is_none_or(|(e, _)| e <= end)
            {
                best = Some((end, *g));
            }
        }
        best.map_or(Value::None, |(_, g)| Value::Int(g as i64))
    })?;
    let mut out = Vec::with_capacity(found.len() * 2 + 1);
    for i in 0..found.len() {
        match found.get(i) {
            Some(m) => {
                out.push(Value::Int(places.of(m.start())));
                out.push(Value::Int(places.of(m.end())));
            }
            None => out.extend([Value::Int(-1), Value::Int(-1)]),
        }
    }
    out.push(last);
    Ok(c.tuple(out))
}

fn find(c: &mut Call) -> Res<Value> {
    let (pos, endpos, mode) = (position(c, 2)?, position(c, 3)?, position(c, 4)?);
    let v = c.arg(1);
    let s = subject(c, &v, Some(endpos))?;
    let at = s.offset(pos);
    if pos > endpos {
        return Ok(Value::None);
    }
    let form = Form { full: mode == 2, ..Form::default() };
    match search(c, &s, at, form, mode > 0)? {
        Some(found) => flat(c, &found, &mut Places::new(&s)),
        None => Ok(Value::None),
    }
}

/// Calls `f` for each match in turn (E4); `f` says whether to go on.
fn each(
    c: &mut Call,
    s: &Subject,
    mut at: usize,
    mut f: impl FnMut(&mut Call, &Captures<str>) -> Res<bool>,
) -> Res<()> {
    let chooses = this(c, "pattern", |r: &mut Regex| r.chooses)?;
    let mut was_empty = false;
    while at <= s.text.len() {
        // Where nothing hides a longer match, none begins where an empty one was found.
        if was_empty && !chooses {
            match s.text[at..].chars().next() {
                Some(ch) => at += ch.len_utf8(),
                None => return Ok(()),
            }
            was_empty = false;
        }
        let mut found = if was_empty {
            let here = search(c, s, at, Form { not_empty: true, ..Form::default() }, true)?;
            match (here, s.text[at..].chars().next()) {
                (Some(m), _) => Some(m),
                (None, Some(ch)) => search(c, s, at + ch.len_utf8(), Form::default(), false)?,
                (None, None) => None,
            }
        } else {
            search(c, s, at, Form::default(), false)?
        };
        let Some(m) = found.take() else { return Ok(()) };
        let Some(whole) = m.get(0) else { return Ok(()) };
        if !f(c, &m)? {
            return Ok(());
        }
        at = whole.end();
        was_empty = whole.start() == whole.end();
    }
    Ok(())
}

fn spans(c: &mut Call) -> Res<Value> {
    let (pos, endpos, limit) = (position(c, 2)?, position(c, 3)?, position(c, 4)?);
    let v = c.arg(1);
    let s = subject(c, &v, Some(endpos))?;
    let mut out = Vec::new();
    if pos <= endpos {
        let mut places = Places::new(&s);
        each(c, &s, s.offset(pos), |c, m| {
            out.push(flat(c, m, &mut places)?);
            Ok(limit == 0 || out.len() < limit)
        })?;
    }
    Ok(c.list(out))
}

fn findall(c: &mut Call) -> Res<Value> {
    let (pos, endpos) = (position(c, 2)?, position(c, 3)?);
    let v = c.arg(1);
    let s = subject(c, &v, Some(endpos))?;
    let mut out = Vec::new();
    if pos <= endpos {
        each(c, &s, s.offset(pos), |c, m| {
            let mut part = |i: usize| match m.get(i) {
                Some(m) => s.value(c, m.start(), m.end()),
                None => s.value(c, 0, 0),
            };
            let v = match m.len() {
                1 => part(0),
                2 => part(1),
                n => {
                    let parts = (1..n).map(part).collect();
                    c.tuple(parts)
                }
            };
            out.push(v);
            Ok(true)
        })?;
    }
    Ok(c.list(out))
}

/// A piece of a template or of a replacement, as the engine's text.
fn piece(c: &mut Call, v: &Value, bytes: bool) -> Res<String> {
    match (text(v), bytes) {
        (Some(t), false) => Ok(t.into()),
        _ => match c.bytes_like(v).filter(|_| bytes) {
            Some(b) => Ok(latin(&b)),
            None => {
                let (what, got) = (if bytes { "a bytes-like object" } else { "str instance" }, c.type_name(v));
                Err(c.type_error(format!("sequence item 0: expected {what}, {got} found")))
            }
        },
    }
}

fn sub(c: &mut Call) -> Res<Value> {
    let (template, make, count) = (c.some(2), c.arg(3), position(c, 4)?);
    let v = c.arg(1);
    let s = subject(c, &v, None)?;
    // Texts, and numbers of groups.
    let mut parts: Vec<Result<String, usize>> = Vec::new();
    if let Some(t) = &template {
        for v in c.collect(t)? {
            parts.push(match &v {
                Value::Int(group) => Err(*group as usize),
                _ => Ok(piece(c, &v, s.bytes)?),
            });
        }
    }
    let (mut out, mut done, mut n) = (String::with_capacity(s.text.len()), 0, 0usize);
    let mut places = Places::new(&s);
    each(c, &s, 0, |c, m| {
        let Some(whole) = m.get(0) else { return Ok(false) };
        out.push_str(&s.text[done..whole.start()]);
        done = whole.end();
        if template.is_some() {
            for p in &parts {
                match p {
                    Ok(t) => out.push_str(t),
                    Err(group) => out.push_str(m.get(*group).map_or("", |m| m.as_str())),
                }
            }
        } else {
            let flat = flat(c, m, &mut places)?;
            let v = c.call(&make, &[flat])?;
            if !v.is_none() {
                out.push_str(&piece(c, &v, s.bytes)?);
            }
        }
        n += 1;
        Ok(count == 0 || n < count)
    })?;
    out.push_str(&s.text[done..]);
    let v = match s.bytes {
        true => c.bytes(out.chars().map(|c| c as u8).collect::<Vec<u8>>()),
        false => c.string(out),
    };
    Ok(c.tuple(vec![v, Value::Int(n as i64)]))
}

fn split(c: &mut Call) -> Res<Value> {
    let most = position(c, 2)?;
    let v = c.arg(1);
    let s = subject(c, &v, None)?;
    let (mut out, mut done, mut n) = (Vec::new(), 0, 0usize);
    each(c, &s, 0, |c, m| {
        let Some(whole) = m.get(0) else { return Ok(false) };
        out.push(s.value(c, done, whole.start()));
        done = whole.end();
        for i in 1..m.len() {
            let v = match m.get(i) {
                Some(g) => s.value(c, g.start(), g.end()),
                None => Value::None,
            };
            out.push(v);
        }
        n += 1;
        Ok(most == 0 || n < most)
    })?;
    out.push(s.value(c, done, s.text.len()));
    Ok(c.list(out))
}

fn groups(c: &mut Call) -> Res<Value> {
    let (string, spans, default) = (c.arg(0), c.arg(1), c.arg(2));
    let spans: Vec<i64> = crate::vm::make::tuple_items(&spans)
        .unwrap_or_default()
        .iter()
        .map(|v| if let Value::Int(i) = v { *i } else { -1 })
        .collect();
    let mut all = Vec::with_capacity(spans.len() / 2);
    // The last of the row is the number of the last group.
    for pair in spans.get(2..spans.len().saturating_sub(1)).unwrap_or_default().chunks_exact(2) {
        let &[from, to] = pair else { continue };
        if from < 0 {
            all.push(default.clone());
            continue;
        }
        let part = match str_of(&string) {
            Some(s) if s.is_ascii() => {
                let part = &s.text[from as usize..to as usize];
                c.str(part)
            }
            _ => {
                let slice =
                    crate::object::types::Slice { start: Value::Int(from), stop: Value::Int(to), step: Value::None };
                let slice = crate::object::Ref::new(&c.held, TypeId::Slice.shape(), slice).into();
                c.get_item(&string, &slice)?
            }
        };
        all.push(part);
    }
    Ok(c.tuple(all))
}

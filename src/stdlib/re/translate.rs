//! From Python's pattern syntax to that of the engine.
//!
//! One pass, by recursive descent: what Python means is written in the engine's most explicit form (every
//! literal escaped, flags resolved but for `i`, names as numbers), so that no rule of the engine's own
//! syntax applies by accident. Errors have the words and places of CPython's `re._parser`.

use super::set::{Class, push_literal};
use super::{A, I, L, M, S, U, X};

/// What a pattern became.
#[derive(Debug, Default)]
pub struct Translated {
    /// The engine's pattern; `$` without `M` is `END`.
    pub text: String,
    pub flags: u32,
    pub groups: usize,
    pub names: Vec<(String, usize)>,
    /// Group numbers in the order in which they are closed.
    pub closed: Vec<usize>,
    /// There is a choice by which an empty match may hide a longer one.
    pub chooses: bool,
}

/// Stands for "at the end or before the last line end" until the text to search is known.
pub const END: char = '\u{10fffe}';

/// Brackets may nest so deep.
const DEPTH_MAX: usize = 200;
const REPEAT_MAX: u64 = 4_294_967_295;

#[derive(Debug)]
pub struct Wrong {
    pub message: String,
    pub at: usize,
}

type Res<T> = Result<T, Wrong>;

fn wrong<T>(message: impl Into<String>, at: usize) -> Res<T> {
    Err(Wrong { message: message.into(), at })
}

/// How many characters an item matches, at least and at most.
#[derive(Clone, Copy)]
struct Width(u64, u64);

struct Parser<'p> {
    chars: &'p [char],
    at: usize,
    flags: u32,
    bytes: bool,
    depth: usize,
    out: Translated,
    /// Groups that are not closed yet, and widths of those that are.
    widths: Vec<Option<Width>>,
}

/// Translates a pattern under flags, which go together (`kit/re.kit` has checked that).
pub fn translate(pattern: &str, flags: u32, bytes: bool) -> Res<Translated> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut flags = flags;
    loop {
        let mut p = Parser {
            chars: &chars,
            at: 0,
            flags,
            bytes,
            depth: 0,
            out: Translated::default(),
            widths: vec![Some(Width(0, 0))],
        };
        p.out.flags = flags;
        let folds = p.folds();
        p.out.text.push_str(if folds { "(?i:" } else { "(?:" });
        p.alternatives()?;
        if p.at < chars.len() {
            return wrong("unbalanced parenthesis", p.at);
        }
        p.out.text.push(')');
        // `(?x)` at the start changes how everything before it would have been read: once more.
        if p.out.flags != flags {
            flags = p.out.flags;
            continue;
        }
        if !bytes && flags & A == 0 {
            p.out.flags |= U;
        }
        return Ok(p.out);
    }
}

impl Parser<'_> {
    fn ascii(&self) -> bool {
        self.bytes || self.flags & A != 0
    }
    /// Does the engine fold case? In ASCII mode the translation does it.
    fn folds(&self) -> bool {
        self.flags & I != 0 && !self.ascii()
    }
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }
    fn eat(&mut self, c: char) -> bool {
        let found = self.peek() == Some(c);
        if found {
            self.at += 1;
        }
        found
    }
    /// The next character, which must be there.
    fn need(&mut self, missing: &str, at: usize) -> Res<char> {
        match self.peek() {
            Some(c) => {
                self.at += 1;
                Ok(c)
            }
            None => wrong(missing, at),
        }
    }

    fn alternatives(&mut self) -> Res<Width> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return wrong(format!("Kit's patterns nest at most {DEPTH_MAX} brackets"), self.at);
        }
        let mut width = self.sequence()?;
        while self.eat('|') {
            self.out.text.push('|');
            self.out.chooses = true;
            let other = self.sequence()?;
            width = Width(width.0.min(other.0), width.1.max(other.1));
        }
        self.depth -= 1;
        Ok(width)
    }

    fn skip_blanks(&mut self) {
        while self.flags & X != 0 {
            match self.peek() {
                Some(c) if c.is_ascii_whitespace() || c == '\x0b' => self.at += 1,
                Some('#') => {
                    while !matches!(self.peek(), None | Some('\n')) {
                        self.at += 1;
                    }
                }
                _ => return,
            }
        }
    }

    fn sequence(&mut self) -> Res<Width> {
        let mut total = Width(0, 0);
        loop {
            self.skip_blanks();
            let begin = self.out.text.len();
            let here = self.at;
            let width = match self.peek() {
                None | Some('|' | ')') => return Ok(total),
                Some('*' | '+' | '?') => return wrong("nothing to repeat", here),
                Some('{') if self.counts().is_some() => return wrong("nothing to repeat", here),
                Some(_) => self.atom()?,
            };
            self.skip_blanks();
            let width = self.repeated(begin, width)?;
            if let Some(w) = width {
                total = Width(total.0.saturating_add(w.0), total.1.saturating_add(w.1));
            }
        }
    }

    /// `{m}`, `{m,}`, `{,n}`, `{m,n}` at the place: the numbers and the place after it.
    fn counts(&self) -> Option<(Option<u64>, Option<u64>, usize)> {
        let mut at = self.at + 1;
        let number = |at: &mut usize| {
            let begin = *at;
            while self.chars.get(*at).is_some_and(char::is_ascii_digit) {
                *at += 1;
            }
            let digits: String = self.chars[begin..*at].iter().collect();
            (!digits.is_empty()).then(|| digits.parse().unwrap_or(u64::MAX))
        };
        let low = number(&mut at);
        let high = if self.chars.get(at) == Some(&',') {
            at += 1;
            number(&mut at)
        } else {
            low?;
            low
        };
        let comma = self.chars[self.at..at].contains(&',');
        (self.chars.get(at) == Some(&'}') && (comma || low.is_some()) && at > self.at + 1).then_some((
            low,
            high,
            at + 1,
        ))
    }

    /// A quantifier behind the item written from `begin` on; assertions have no width to repeat.
    fn repeated(&mut self, begin: usize, width: Option<Width>) -> Res<Option<Width>> {
        let here = self.at;
        let (low, high, next) = match self.peek() {
            Some('*') => (0, u64::MAX, here + 1),
            Some('+') => (1, u64::MAX, here + 1),
            Some('?') => (0, 1, here + 1),
            Some('{') => match self.counts() {
                Some((low, high, next)) => (low.unwrap_or(0), high.unwrap_or(u64::MAX), next),
                None => return Ok(width),
            },
            _ => return Ok(width),
        };
        let Some(width) = width else {
            return wrong("nothing to repeat", here);
        };
        if low >= REPEAT_MAX && low != u64::MAX || (high >= REPEAT_MAX && high != u64::MAX) {
            return wrong("the repetition number is too large", here + 1);
        }
        if high < low {
            return wrong("min repeat greater than max repeat", here + 1);
        }
        self.at = next;
        let quantifier = match (low, high) {
            (0, u64::MAX) => "*".to_string(),
            (1, u64::MAX) => "+".into(),
            (0, 1) => "?".into(),
            (m, u64::MAX) => format!("{{{m},}}"),
            (m, n) => format!("{{{m},{n}}}"),
        };
        self.out.text.push_str(&quantifier);
        if self.eat('?') {
            self.out.text.push('?');
            self.out.chooses = true;
        } else if self.eat('+') {
            self.out.text.insert_str(begin, "(?>");
            self.out.text.push(')');
        }
        self.skip_blanks();
        if matches!(self.peek(), Some('*' | '+' | '?')) || (self.peek() == Some('{') && self.counts().is_some()) {
            return wrong("multiple repeat", self.at);
        }
        Ok(Some(Width(width.0.saturating_mul(low), width.1.saturating_mul(high))))
    }

    /// One item; `None`: an assertion about the place, or nothing at all.
    fn atom(&mut self) -> Res<Option<Width>> {
        let here = self.at;
        let Some(c) = self.peek() else { return Ok(None) };
        self.at += 1;
        match c {
            '.' => self.out.text.push_str(if self.flags & S != 0 { "(?s:.)" } else { "[^\\n]" }),
            '^' => {
                self.out.text.push_str(if self.flags & M != 0 { "(?m:^)" } else { "\\A" });
                return Ok(None);
            }
            '$' => {
                if self.flags & M != 0 {
                    self.out.text.push_str("(?m:$)");
                } else {
                    self.out.text.push(END);
                }
                return Ok(None);
            }
            '[' => {
                let mut class = Class::new(self.ascii(), self.flags & I != 0);
                self.at = class.parse(self.chars, self.at, here)?;
                class.write(&mut self.out.text);
            }
            '\\' => return self.escape(here),
            '(' => return self.group(here),
            c => self.literal(c),
        }
        Ok(Some(Width(1, 1)))
    }

    fn literal(&mut self, c: char) {
        if self.ascii() && self.flags & I != 0 && c.is_ascii_alphabetic() {
            self.out.text.extend(['[', c.to_ascii_lowercase(), c.to_ascii_uppercase(), ']']);
        } else {
            push_literal(&mut self.out.text, c);
        }
    }

    fn escape(&mut self, here: usize) -> Res<Option<Width>> {
        let c = self.need("bad escape (end of pattern)", here)?;
        let word = "A-Za-z0-9_";
        match c {
            'A' => self.out.text.push_str("\\A"),
            'Z' => self.out.text.push_str("\\z"),
            // The engine's words differ from Python's in combining marks only.
            'b' | 'B' if !self.ascii() => self.out.text.extend(['\\', c]),
            'b' => {
                let text = format!("(?:(?<![{word}])(?=[{word}])|(?<=[{word}])(?![{word}]))");
                self.out.text.push_str(&text);
            }
            'B' => {
                let text = format!("(?:(?<![{word}])(?![{word}])|(?<=[{word}])(?=[{word}]))");
                self.out.text.push_str(&text);
            }
            'd' | 'D' | 'w' | 'W' | 's' | 'S' => {
                let mut class = Class::new(self.ascii(), false);
                class.category(c);
                class.write(&mut self.out.text);
                return Ok(Some(Width(1, 1)));
            }
            '1'..='9' => return self.reference(here),
            _ => {
                self.at = here;
                let (c, next) = super::set::escaped(self.chars, here, false)?;
                self.at = next;
                self.literal(c);
                return Ok(Some(Width(1, 1)));
            }
        }
        Ok(None)
    }

    /// `\1`, `\12`, or an octal number of three digits.
    fn reference(&mut self, here: usize) -> Res<Option<Width>> {
        let digit = |at: usize| self.chars.get(at).and_then(|c| c.to_digit(10));
        let (a, b, c) = (digit(here + 1).unwrap_or(0), digit(here + 2), digit(here + 3));
        let mut number = a as usize;
        self.at = here + 2;
        if let Some(b) = b {
            if let (true, Some(c)) = (a < 8 && b < 8, c.filter(|c| *c < 8)) {
                let code = a * 64 + b * 8 + c;
                if code > 0o377 {
                    return wrong(format!("octal escape value \\{a}{b}{c} outside of range 0-0o377"), here);
                }
                self.at = here + 4;
                self.literal(char::from_u32(code).unwrap_or('\0'));
                return Ok(Some(Width(1, 1)));
            }
            number = number * 10 + b as usize;
            self.at = here + 3;
        }
        self.refer(number, here + 1)
    }

    fn refer(&mut self, number: usize, at: usize) -> Res<Option<Width>> {
        match self.widths.get(number) {
            None => wrong(format!("invalid group reference {number}"), at),
            Some(None) => wrong("cannot refer to an open group", at - 1),
            Some(Some(width)) => {
                let width = *width;
                self.out.text.push_str(&format!("(?:\\{number})"));
                Ok(Some(width))
            }
        }
    }

    fn name(&mut self, end: char, what: &str) -> Res<String> {
        let begin = self.at;
        loop {
            match self.peek() {
                None if self.at == begin => return wrong(format!("missing {what}"), begin),
                None => return wrong(format!("missing {end}, unterminated name"), begin),
                Some(c) if c == end => break,
                Some(_) => self.at += 1,
            }
        }
        let name: String = self.chars[begin..self.at].iter().collect();
        self.at += 1;
        if name.is_empty() { wrong(format!("missing {what}"), begin) } else { Ok(name) }
    }

    fn checked_name(&mut self, end: char) -> Res<(String, usize)> {
        let begin = self.at;
        let name = self.name(end, "group name")?;
        if !crate::object::pure::text::is_identifier(&name) {
            let shown = crate::object::pure::text::repr(&name);
            return wrong(format!("bad character in group name {shown}"), begin);
        }
        Ok((name, begin))
    }

    fn number_of(&self, name: &str, at: usize) -> Res<usize> {
        match self.out.names.iter().find(|(n, _)| n == name) {
            Some((_, number)) => Ok(*number),
            None => wrong(format!("unknown group name {}", crate::object::pure::text::repr(name)), at),
        }
    }

    fn group(&mut self, here: usize) -> Res<Option<Width>> {
        if !self.eat('?') {
            return self.capture(here, None);
        }
        let c = self.need("unexpected end of pattern", self.at)?;
        match c {
            'P' => match self.need("unexpected end of pattern", self.at)? {
                '<' => {
                    let (name, at) = self.checked_name('>')?;
                    if let Some((_, old)) = self.out.names.iter().find(|(n, _)| *n == name) {
                        let (shown, new) = (crate::object::pure::text::repr(&name), self.out.groups + 1);
                        let text = format!("redefinition of group name {shown} as group {new}; was group {old}");
                        return wrong(text, at);
                    }
                    self.capture(here, Some(name))
                }
                '=' => {
                    let (name, at) = self.checked_name(')')?;
                    let number = self.number_of(&name, at)?;
                    self.refer(number, at)
                }
                c => wrong(format!("unknown extension ?P{c}"), here + 1),
            },
            ':' => self.inside(here, "(?:"),
            '>' => self.inside(here, "(?>"),
            '#' => {
                while self.need("missing ), unterminated comment", here)? != ')' {}
                Ok(None)
            }
            '=' | '!' => {
                self.out.chooses = true;
                self.inside(here, if c == '=' { "(?=" } else { "(?!" })?;
                Ok(Some(Width(0, 0)))
            }
            '<' => {
                let kind = self.need("unexpected end of pattern", self.at)?;
                let open = match kind {
                    '=' => "(?<=",
                    '!' => "(?<!",
                    c => return wrong(format!("unknown extension ?<{c}"), here + 1),
                };
                match self.inside(here, open)? {
                    Some(Width(a, b)) if a != b => wrong("look-behind requires fixed-width pattern", usize::MAX),
                    _ => Ok(Some(Width(0, 0))),
                }
            }
            '(' => self.conditional(here),
            c if c == '-' || "aiLmsux".contains(c) => self.flag_group(here),
            c => wrong(format!("unknown extension ?{c}"), here + 1),
        }
    }

    fn close(&mut self, here: usize) -> Res<()> {
        if !self.eat(')') {
            return wrong("missing ), unterminated subpattern", here);
        }
        self.out.text.push(')');
        Ok(())
    }

    fn inside(&mut self, here: usize, open: &str) -> Res<Option<Width>> {
        let flags = self.flags;
        self.out.text.push_str(open);
        let width = self.alternatives()?;
        self.close(here)?;
        self.flags = flags;
        Ok(Some(width))
    }

    fn capture(&mut self, here: usize, name: Option<String>) -> Res<Option<Width>> {
        self.out.groups += 1;
        let number = self.out.groups;
        if let Some(name) = name {
            self.out.names.push((name, number));
        }
        self.widths.push(None);
        let width = self.inside(here, "(")?;
        self.widths[number] = width;
        self.out.closed.push(number);
        Ok(width)
    }

    /// `(?(1)yes|no)`.
    fn conditional(&mut self, here: usize) -> Res<Option<Width>> {
        let at = self.at;
        let name = self.name(')', "group name")?;
        let number = match name.parse::<usize>() {
            Ok(0) => return wrong("bad group number", at),
            Ok(n) => n,
            Err(_) => self.number_of(&name, at)?,
        };
        self.out.chooses = true;
        self.out.text.push_str(&format!("(?({number})"));
        let yes = self.sequence()?;
        let no = if self.eat('|') {
            self.out.text.push('|');
            self.sequence()?
        } else {
            Width(0, 0)
        };
        if self.peek() == Some('|') {
            return wrong("conditional backref with more than two branches", self.at);
        }
        self.close(here)?;
        if number > self.out.groups {
            return wrong(format!("invalid group reference {number}"), at);
        }
        Ok(Some(Width(yes.0.min(no.0), yes.1.max(no.1))))
    }

    /// `(?i)` for all, `(?i-s:…)` for what is inside.
    fn flag_group(&mut self, here: usize) -> Res<Option<Width>> {
        self.at -= 1;
        let (mut on, mut off, mut negative) = (0, 0, false);
        loop {
            let missing = match (negative, off) {
                (false, _) => "missing -, : or )",
                (true, 0) => "missing flag",
                (true, _) => "missing :",
            };
            let c = self.need(missing, self.at)?;
            let flag = match c {
                'i' => I,
                'L' => L,
                'm' => M,
                's' => S,
                'x' => X,
                'a' => A,
                'u' => U,
                '-' if !negative => {
                    negative = true;
                    continue;
                }
                ':' if !negative || off != 0 => break,
                ')' if !negative => {
                    if here != 0 {
                        return wrong("global flags not at the start of the expression", here);
                    }
                    self.out.flags |= on;
                    return Ok(None);
                }
                c if c.is_alphabetic() => return wrong("unknown flag", self.at - 1),
                _ => return wrong(missing, self.at - 1),
            };
            if flag == U && self.bytes {
                return wrong("bad inline flags: cannot use 'u' flag with a bytes pattern", self.at);
            }
            if flag == L && !self.bytes {
                return wrong("bad inline flags: cannot use 'L' flag with a str pattern", self.at);
            }
            if negative && flag & (A | U | L) != 0 {
                return wrong("bad inline flags: cannot turn off flags 'a', 'u' and 'L'", self.at);
            }
            if negative { off |= flag } else { on |= flag }
        }
        let (flags, folded) = (self.flags, self.folds());
        self.flags = (self.flags | on) & !off;
        if on & A != 0 {
            self.flags &= !U;
        }
        if on & U != 0 {
            self.flags &= !A;
        }
        let open = match (folded, self.folds()) {
            (false, true) => "(?i:",
            (true, false) => "(?-i:",
            _ => "(?:",
        };
        let width = self.inside(here, open)?;
        self.flags = flags;
        Ok(width)
    }
}

//! `-k EXPR`: names combined by `and`, `or`, `not` and parentheses. A name stands for the tests in whose
//! id it occurs, whatever the case.

/// An expression of `-k`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Select {
    Has(String),
    Not(Box<Select>),
    And(Vec<Select>),
    Or(Vec<Select>),
}

/// Deeper nesting is refused.
const DEPTH_MAX: usize = 100;

struct Reader<'a> {
    words: Vec<&'a str>,
    at: usize,
    depth: usize,
}

impl Select {
    /// Reads an expression; the error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Select, String> {
        let mut words = Vec::new();
        for piece in text.split_whitespace() {
            let mut rest = piece;
            while let Some(at) = rest.find(['(', ')']) {
                words.extend([&rest[..at], &rest[at..=at]].into_iter().filter(|w| !w.is_empty()));
                rest = &rest[at + 1..];
            }
            words.extend(Some(rest).filter(|w| !w.is_empty()));
        }
        let mut reader = Reader { words, at: 0, depth: 0 };
        let select = reader.any().map_err(|what| format!("-k '{text}': {what}"))?;
        match reader.peek() {
            None => Ok(select),
            Some(word) => Err(format!("-k '{text}': 'and' or 'or' is missing before '{word}'")),
        }
    }

    pub fn matches(&self, id: &str) -> bool {
        match self {
            Select::Has(word) => id.to_lowercase().contains(&word.to_lowercase()),
            Select::Not(inner) => !inner.matches(id),
            Select::And(all) => all.iter().all(|s| s.matches(id)),
            Select::Or(all) => all.iter().any(|s| s.matches(id)),
        }
    }
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.words.get(self.at).copied()
    }

    fn eat(&mut self, word: &str) -> bool {
        let there = self.peek() == Some(word);
        self.at += usize::from(there);
        there
    }

    fn any(&mut self) -> Result<Select, String> {
        let mut all = vec![self.both()?];
        while self.eat("or") {
            all.push(self.both()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Select::Or(all) })
    }

    fn both(&mut self) -> Result<Select, String> {
        let mut all = vec![self.one()?];
        while self.eat("and") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Select::And(all) })
    }

    fn one(&mut self) -> Result<Select, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("too deeply nested".to_string());
        }
        let word = self.peek();
        self.at += 1;
        let read = match word {
            None => Err("a name is missing at its end".to_string()),
            Some("not") => self.one().map(|s| Select::Not(Box::new(s))),
            Some("(") => match self.any() {
                Ok(inner) if self.eat(")") => Ok(inner),
                Ok(_) => Err("')' is missing".to_string()),
                wrong => wrong,
            },
            Some(word @ (")" | "and" | "or")) => Err(format!("a name is missing before '{word}'")),
            Some(word) => Ok(Select::Has(word.to_string())),
        };
        self.depth -= 1;
        read
    }
}

#[cfg(test)]
mod tests {
    use super::Select;

    #[test]
    fn expressions() {
        let id = "tests/test_Kitchen.kit::test_pasta_first";
        for (text, is) in [
            ("pasta", true),
            ("kitchen", true),
            ("salad", false),
            ("not salad", true),
            ("pasta and not first", false),
            ("salad or pasta and first", true),
            ("(salad or pasta) and last", false),
            ("not (salad or last)", true),
            ("not not pasta", true),
        ] {
            assert_eq!(Select::parse(text).unwrap().matches(id), is, "{text}");
        }
        for text in ["", "and", "a b", "(a", "a)", "not", "a or", &"(".repeat(200)] {
            assert!(Select::parse(text).is_err(), "{text}");
        }
    }
}

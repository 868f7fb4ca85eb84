//! The tokens: one table of keywords and symbols, from which the lexer, the names in messages and
//! the test against the grammar's own list are derived.

use logos::Logos;

macro_rules! tokens {
    (
        synthetic { $($(#[$sdoc:meta])* $syn:ident $sname:literal)* }
        keywords { $($key:ident $ktext:literal)* }
        symbols { $($sym:ident $stext:literal)* }
    ) => {
        /// A token. Raw tokens come from the lexer and never reach the grammar; synthetic ones come
        /// from the layout pass only.
        #[derive(Logos, Clone, Copy, PartialEq, Debug)]
        #[logos(skip r"[ \t\x0c]+")]
        #[logos(skip(r"#[^\n]*", allow_greedy = true))]
        #[logos(skip r"\\\n")]
        pub enum Tok<'i> {
            $($(#[$sdoc])* $syn,)*
            /// A whole literal without `f`: prefix, quotes and all.
            Str(&'i str),
            Bytes(&'i str),
            /// Literal text of an f-string, and whether it is raw.
            FMid((&'i str, bool)),
            #[regex(r"[\p{XID_Start}_]\p{XID_Continue}*", |lex| lex.slice())]
            Name(&'i str),
            Int(&'i str),
            Float(&'i str),
            /// `op=`
            #[regex(r"(\+|-|\*|\*\*|/|//|%|@|&|\||\^|<<|>>)=", |lex| lex.slice())]
            AugEq(&'i str),
            /// Raw: a line break.
            #[token("\n")]
            RawNl,
            /// Raw: the start of a number; the lexer's hand scanner finds its end.
            #[regex(r"\.?[0-9]")]
            RawNumber,
            /// Raw: prefix and first quote; the lexer's hand scanner finds the end.
            #[regex(r#"([rRuUbBfF]|[rR][bB]|[bB][rR]|[rR][fF]|[fF][rR])?["']"#)]
            RawQuote,
            $(#[token($ktext)] $key,)*
            $(#[token($stext)] $sym,)*
        }

        impl<'i> Tok<'i> {
            /// The keywords and symbols, as they are written.
            #[cfg(test)]
            pub const FIXED: &'static [(Tok<'static>, &'static str)] =
                &[$((Tok::$key, $ktext),)* $((Tok::$sym, $stext),)*];

            pub fn is_keyword(self) -> bool {
                matches!(self, $(Tok::$key)|*)
            }

            /// What stands in the source, or the name of a token that the layout pass makes.
            pub fn text(self) -> &'i str {
                match self {
                    $(Tok::$syn => $sname,)*
                    $(Tok::$key => $ktext,)*
                    $(Tok::$sym => $stext,)*
                    Tok::Str(text) | Tok::Bytes(text) | Tok::FMid((text, _)) | Tok::Name(text) => text,
                    Tok::Int(text) | Tok::Float(text) | Tok::AugEq(text) => text,
                    Tok::RawNl | Tok::RawNumber | Tok::RawQuote => "",
                }
            }
        }
    };
}

tokens! {
    synthetic {
        /// The first token of a script.
        StartModule "START_MODULE"
        /// The first token of a lone expression.
        StartExpr "START_EXPR"
        Newline "NEWLINE"
        Indent "INDENT"
        Dedent "DEDENT"
        /// Prefix and opening quote of an f-string.
        FStart "F_START"
        /// Closing quote of an f-string.
        FEnd "F_END"
        /// `{` of a field
        FOpen "F_OPEN"
        /// `}` of a field
        FClose "F_CLOSE"
        /// `:` of a field
        FColon "F_COLON"
        /// `!` of a field
        FBang "F_BANG"
        /// `=` of a field, with the blanks after it
        FEq "F_EQ"
    }
    keywords {
        False "False" None "None" True "True" And "and" As "as" Assert "assert" Async "async"
        Await "await" Break "break" Class "class" Continue "continue" Def "def" Del "del"
        Elif "elif" Else "else" Except "except" Finally "finally" For "for" From "from"
        Global "global" If "if" Import "import" In "in" Is "is" Lambda "lambda"
        Nonlocal "nonlocal" Not "not" Or "or" Pass "pass" Raise "raise" Return "return"
        Try "try" While "while" With "with" Yield "yield"
    }
    symbols {
        LPar "(" RPar ")" LBracket "[" RBracket "]" LBrace "{" RBrace "}"
        Comma "," Colon ":" Semi ";" Dot "." Ellipsis "..." Arrow "->" At "@" Equal "=" Walrus ":="
        Plus "+" Minus "-" Star "*" DoubleStar "**" Slash "/" DoubleSlash "//" Percent "%"
        Amper "&" Bar "|" Caret "^" Tilde "~" ShiftLeft "<<" ShiftRight ">>"
        Less "<" Greater ">" LessEq "<=" GreaterEq ">=" EqEq "==" NotEq "!="
        Bang "!"
    }
}

impl Tok<'_> {
    /// Whether an expression may begin with this token.
    pub fn starts_expression(self) -> bool {
        use Tok::*;
        matches!(
            self,
            Name(_) | Int(_) | Float(_) | Str(_) | Bytes(_) | FStart | False | None | True | Ellipsis | Not | Lambda
        ) || matches!(self, Await | LPar | LBracket | LBrace | Plus | Minus | Tilde)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_lists_the_same_keywords_and_symbols() {
        let grammar = include_str!("../../grammar/kit.lalrpop");
        for (tok, text) in Tok::FIXED {
            let row = format!("\"{text}\" => Tok::{tok:?},");
            // `!` outside an f-string is refused by the layout pass.
            assert_eq!(grammar.contains(&row), *text != "!", "{row}");
        }
    }

    #[test]
    fn a_keyword_is_a_whole_word() {
        let all: Vec<_> = Tok::lexer("if iff is isle f'' ä_1").map(Result::unwrap).collect();
        let want = [Tok::If, Tok::Name("iff"), Tok::Is, Tok::Name("isle"), Tok::RawQuote, Tok::RawQuote];
        assert_eq!(all[..6], want);
        assert_eq!(all[6..], [Tok::Name("ä_1")]);
    }
}

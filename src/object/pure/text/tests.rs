//! Expectations recorded from CPython 3.11.

use super::*;
use crate::object::pure::slice::indices;

const END: i64 = i64::MAX;

#[test]
fn positions_are_code_points() {
    let text = "añb日c";
    assert_eq!(len(text), 5);
    assert_eq!(char_at(text, 5, -2), Some("日"));
    assert_eq!(char_at(text, 5, 5), None);
    assert_eq!(between(text, 5, 1, 4), "ñb日");
    for (start, stop, step, expected) in [
        (Some(1), None, None, "ñb日c"),
        (None, None, Some(-1), "c日bña"),
        (Some(-1), Some(0), Some(-2), "cb"),
        (Some(4), Some(1), None, ""),
    ] {
        assert_eq!(slice(text, 5, indices(5, start, stop, step).unwrap()), expected);
    }
    assert_eq!(slice("abcdef", 6, indices(6, Some(5), None, Some(-2)).unwrap()), "fdb");
}

#[test]
fn searching() {
    assert_eq!(find("日本日本", "本", 0, END), Some(1));
    assert_eq!(find("日本日本", "本", 2, END), Some(3));
    assert_eq!(rfind("日本日本", "日", 0, -2), Some(0));
    assert_eq!((find("abc", "", 3, END), find("abc", "", 4, END)), (Some(3), None));
    assert_eq!((count("aaaa", "aa", 0, END), count("日本", "", 0, END), count("abc", "", 4, END)), (2, 3, 0));
    assert!(startswith("abc", "b", 1, END) && !startswith("abc", "", 2, 1) && endswith("abc", "b", 0, -1));
    assert_eq!(index("a", "b", 0, END).unwrap_err().to_string(), "ValueError: substring not found");
    assert_eq!(replace("日本", "", "-", 2), Ok("-日-本".into()));
    assert_eq!(replace("aaa", "a", "b", -1), Ok("bbb".into()));
    assert_eq!(removeprefix("abab", "ab"), "ab");
}

#[test]
fn splitting() {
    let text = "  a b\u{3000} c ";
    assert_eq!(split(text, None, -1).unwrap(), ["a", "b", "c"]);
    assert_eq!(split(text, None, 1).unwrap(), ["a", "b\u{3000} c "]);
    assert_eq!(rsplit(text, None, 1).unwrap(), ["  a b", "c"]);
    assert_eq!(split(text, None, 0).unwrap(), ["a b\u{3000} c "]);
    assert!(split(" \n", None, 3).unwrap().is_empty());
    assert_eq!(split("a,b,,c", Some(","), 2).unwrap(), ["a", "b", ",c"]);
    assert_eq!(rsplit("a,b,,c", Some(","), 1).unwrap(), ["a,b,", "c"]);
    assert_eq!(split("", Some(","), -1).unwrap(), [""]);
    assert_eq!(split("a", Some(""), -1).unwrap_err().to_string(), "ValueError: empty separator");
    assert_eq!(splitlines("a\r\nb\n\nc\u{2028}", false), ["a", "b", "", "c"]);
    assert_eq!(splitlines("a\r\nb\r", true), ["a\r\n", "b\r"]);
    assert_eq!(strip("\x1c a\n", None), "a");
    assert_eq!(strip("xyaxbyx", Some("yx")), "axb");
    assert_eq!(partition("a-b-c", "-").unwrap(), ("a", "-", "b-c"));
    assert_eq!(rpartition("abc", "-").unwrap(), ("", "", "abc"));
    assert_eq!(join(", ", &["a", "b"]).unwrap(), "a, b");
}

#[test]
fn cases() {
    assert_eq!(upper("straße"), "STRASSE");
    assert_eq!(lower("ΟΔΟΣ Σ"), "οδος σ");
    assert_eq!(title("they're ﬁne ǆ ΟΔΟΣ"), "They'Re Fine ǅ Οδος");
    assert_eq!(capitalize("ßA Σ"), "Ssa σ");
    assert_eq!(swapcase("aBΣ ΑΣ"), "Abς ας");
    assert_eq!(casefold("Straße ΑΣ"), "strasse ασ");
    let vowels = translate("kitchen", |c| {
        Ok::<_, ()>(match c {
            'i' => Mapped::Drop,
            'e' => Mapped::Text("EE".into()),
            _ => Mapped::Same,
        })
    });
    assert_eq!(vowels.as_deref(), Ok("ktchEEn"));
}

#[test]
fn classes() {
    assert!(is_alpha("aé日") && !is_alpha("a1") && !is_alpha(""));
    assert!(is_digit("1²") && !is_decimal("1²") && is_numeric("½一") && is_decimal("٣"));
    assert!(is_upper("A1") && !is_upper("1") && is_lower("aª") && is_title("Ab Cd") && !is_title("AB"));
    assert!(is_identifier("_é1") && !is_identifier("1a") && !is_identifier(""));
    assert!(is_space(" \u{2003}\x1f") && is_printable("") && !is_printable("\u{200b}"));
}

#[test]
fn padding() {
    assert_eq!((center("ab", 5, '*'), center("abc", 6, '*')), (Ok("**ab*".into()), Ok("*abc**".into())));
    assert_eq!(rjust("日", 3, ' '), Ok("  日".into()));
    assert_eq!(ljust("ab", -3, ' '), Ok("ab".into()));
    assert_eq!((zfill("-5", 4), zfill("+", 3), zfill("", 2)), (Ok("-005".into()), Ok("+00".into()), Ok("00".into())));
    assert_eq!(expandtabs("a\tbc\n\td", 4), Ok("a   bc\n    d".into()));
    assert_eq!(expandtabs("a\tb", 0), Ok("ab".into()));
    assert_eq!(
        fill_char("ab").unwrap_err().to_string(),
        "TypeError: The fill character must be exactly one character long"
    );
    assert_eq!(repeat("ab", -1), Ok(String::new()));
    assert_eq!(repeat("ab", i64::MAX), Err(PureError::memory()));
}

#[test]
fn representations() {
    for (text, shown, plain) in [
        ("it's", "\"it's\"", "\"it's\""),
        ("'\"", "'\\'\"'", "'\\'\"'"),
        ("\\\n\r\t\x07\x7f", "'\\\\\\n\\r\\t\\x07\\x7f'", "'\\\\\\n\\r\\t\\x07\\x7f'"),
        ("é日\u{200b}\u{a0}", "'é日\\u200b\\xa0'", "'\\xe9\\u65e5\\u200b\\xa0'"),
        ("\u{1f600}\u{e0001}", "'\u{1f600}\\U000e0001'", "'\\U0001f600\\U000e0001'"),
    ] {
        assert_eq!((repr(text).as_str(), ascii(text).as_str()), (shown, plain));
    }
}

#[test]
fn codes() {
    assert_eq!((ord("日"), chr(26085)), (Ok(26085), Ok('日')));
    assert_eq!(
        ord("ab").unwrap_err().to_string(),
        "TypeError: ord() expected a character, but string of length 2 found"
    );
    assert_eq!(chr(-1).unwrap_err().to_string(), "ValueError: chr() arg not in range(0x110000)");
    assert_eq!(chr(1 << 40).unwrap_err().to_string(), "OverflowError: Python int too large to convert to C int");
    assert!(chr(0xd800).unwrap_err().msg.contains("surrogate"));
}

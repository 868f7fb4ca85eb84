//! Expectations recorded from CPython 3.11.

use super::*;

const END: i64 = i64::MAX;

#[test]
fn searching() {
    assert_eq!((find(b"abcabc", b"ca", 0, END), rfind(b"abcabc", b"bc", 0, -1)), (Some(2), Some(1)));
    assert_eq!((find(b"abc", b"", 3, END), find(b"abc", b"", 4, END)), (Some(3), None));
    assert_eq!((count(b"aaaa", b"aa", 0, END), count(b"ab", b"", 0, END)), (2, 3));
    assert_eq!(index(b"a", b"b", 0, END).unwrap_err().to_string(), "ValueError: subsection not found");
    assert_eq!(replace(b"ab", b"", b"-", -1).unwrap(), b"-a-b-");
    assert_eq!(replace(b"aaaa", b"aa", b"b", 1).unwrap(), b"baa");
    assert!(startswith(b"abc", b"b", 1, END) && endswith(b"abc", b"b", 0, -1) && contains(b"abc", b""));
}

#[test]
fn splitting() {
    assert_eq!(split(b" a b  c ", None, 1).unwrap(), [&b"a"[..], b"b  c "]);
    assert_eq!(rsplit(b" a b  c ", None, 1).unwrap(), [&b" a b"[..], b"c"]);
    assert_eq!(split(b"a,b,,c", Some(b","), -1).unwrap(), [&b"a"[..], b"b", b"", b"c"]);
    assert_eq!(split(b"a", Some(b""), -1).unwrap_err().to_string(), "ValueError: empty separator");
    assert_eq!(splitlines(b"a\r\nb\x0b\n\n", false), [&b"a"[..], b"b\x0b", b""]);
    assert_eq!(strip(b"\x0b a\n", None), b"a");
    assert_eq!(rpartition(b"a-b-c", b"-").unwrap(), (&b"a-b"[..], &b"-"[..], &b"c"[..]));
    assert_eq!(join(b", ", &[b"a", b"b"]).unwrap(), b"a, b");
}

#[test]
fn shapes() {
    assert_eq!(title(b"they're AbC"), b"They'Re Abc");
    assert_eq!(swapcase(b"aB1"), b"Ab1");
    assert!(is_title(b"Ab Cd") && !is_title(b"AB") && !is_title(b"1") && is_upper(b"A1"));
    assert_eq!(center(b"ab", 5, b'*').unwrap(), b"**ab*");
    assert_eq!(zfill(b"-5", 4).unwrap(), b"-005");
    assert_eq!(expandtabs(b"a\tb", 4).unwrap(), b"a   b");
    assert_eq!(translate(b"abc", None, b"b").unwrap(), b"ac");
    let all = super::super::slice::indices(4, None, None, Some(-2)).unwrap();
    assert_eq!(slice(b"abcd", all), b"db");
    assert_eq!(byte(256).unwrap_err().to_string(), "ValueError: bytes must be in range(0, 256)");
}

#[test]
fn representations() {
    assert_eq!(repr(b"it's\n\xff\\"), "b\"it's\\n\\xff\\\\\"");
    assert_eq!(to_hex(b"\x01\x02\x03", Some(':'), 2), "01:0203");
    assert_eq!(to_hex(b"\x01\x02\x03", Some(':'), -2), "0102:03");
    assert_eq!(to_hex(b"\x01\xab", None, 1), "01ab");
    assert_eq!(from_hex("01 aB\n").unwrap(), b"\x01\xab");
    for (text, at) in [("0", 1), ("0 1", 1), ("0g", 1), ("01é", 2)] {
        let message = format!("non-hexadecimal number found in fromhex() arg at position {at}");
        assert_eq!(from_hex(text).unwrap_err().msg, message);
    }
}

fn told(result: std::result::Result<String, CodecError>) -> String {
    result.unwrap_or_else(|error| PureError::from(error).to_string())
}

#[test]
fn decoding() {
    let utf8 = "UnicodeDecodeError: 'utf-8' codec can't decode";
    for (data, errors, expected) in [
        (&b"\xe6\x97\xa5"[..], "strict", "日".to_owned()),
        (b"a\xff", "strict", format!("{utf8} byte 0xff in position 1: invalid start byte")),
        (b"\xe2\x28", "strict", format!("{utf8} byte 0xe2 in position 0: invalid continuation byte")),
        (b"\xe2\x82", "strict", format!("{utf8} bytes in position 0-1: unexpected end of data")),
        (b"\xed\xa0\x80", "replace", "\u{fffd}\u{fffd}\u{fffd}".to_owned()),
        (b"a\xe2\x82b", "ignore", "ab".to_owned()),
        (b"a\xe2\x82b", "backslashreplace", "a\\xe2\\x82b".to_owned()),
        (b"\xff", "zork", "LookupError: unknown error handler name 'zork'".to_owned()),
    ] {
        assert_eq!(told(decode(data, Encoding::Utf8, errors)), expected);
    }
    assert_eq!(
        told(decode(b"\x80", Encoding::Ascii, "strict")),
        "UnicodeDecodeError: 'ascii' codec can't decode byte 0x80 in position 0: ordinal not in range(128)"
    );
    assert_eq!(told(decode(b"\xe9", Encoding::Latin1, "strict")), "é");
    assert_eq!(told(decode(b"\xef\xbb\xbfa", Encoding::Utf8Sig, "strict")), "a");
    assert!(told(decode(b"\xff", Encoding::Utf8, "surrogateescape")).contains("Kit's str cannot hold"));
    assert_eq!(Encoding::named("UTF 8"), Ok(Encoding::Utf8));
    assert_eq!(Encoding::named("utf-7").unwrap_err().to_string(), "LookupError: unknown encoding: utf-7");
}

#[test]
fn encoding() {
    let told = |text, encoding, errors| match encode(text, encoding, errors) {
        Ok(data) => repr(&data),
        Err(error) => PureError::from(error).to_string(),
    };
    assert_eq!(told("é日", Encoding::Utf8, "strict"), "b'\\xc3\\xa9\\xe6\\x97\\xa5'");
    assert_eq!(
        told("aéb", Encoding::Ascii, "strict"),
        "UnicodeEncodeError: 'ascii' codec can't encode character '\\xe9' in position 1: ordinal not in range(128)"
    );
    assert_eq!(
        told("日本", Encoding::Latin1, "strict"),
        "UnicodeEncodeError: 'latin-1' codec can't encode characters in position 0-1: ordinal not in range(256)"
    );
    assert_eq!(told("é日", Encoding::Latin1, "replace"), "b'\\xe9?'");
    assert_eq!(told("a日", Encoding::Ascii, "xmlcharrefreplace"), "b'a&#26085;'");
    assert_eq!(told("a日", Encoding::Ascii, "backslashreplace"), "b'a\\\\u65e5'");
}

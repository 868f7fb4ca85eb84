//! Hashes as CPython computes them where scripts can see it (numbers, tuples, frozensets order sets and must agree between
//! 1, 1.0 and True), and with a fixed seed where CPython draws one (str, bytes).

use super::int::IntRef;
use std::hash::{BuildHasher, Hasher};

/// Numbers hash modulo this Mersenne prime.
const MODULUS: u64 = (1 << BITS) - 1;
const BITS: u32 = 61;
const INFINITE: i64 = 314159;

/// No hash is -1, which is CPython's mark of an error.
fn not_minus_one(hash: i64) -> i64 {
    if hash == -1 { -2 } else { hash }
}

pub fn int(a: IntRef) -> i64 {
    let magnitude = match a {
        IntRef::Small(x) => x.unsigned_abs() % MODULUS,
        IntRef::Big(x) => x
            .iter_u64_digits()
            .rev()
            .fold(0, |hash, word| (((u128::from(hash) << 64) | u128::from(word)) % u128::from(MODULUS)) as u64),
    } as i64;
    not_minus_one(if a.is_negative() { -magnitude } else { magnitude })
}

#[inline]
pub fn small_int(x: i64) -> i64 {
    int(IntRef::Small(x))
}

/// Equal to the int's hash where the values are equal. `None` for NaN, whose hash is its object's.
pub fn float(x: f64) -> Option<i64> {
    if x.is_nan() {
        return None;
    }
    if x.is_infinite() {
        return Some(if x > 0.0 { INFINITE } else { -INFINITE });
    }
    if x == 0.0 {
        return Some(0);
    }
    let bits = x.abs().to_bits();
    let (mantissa, exponent) = match bits >> 52 {
        0 => (bits, -1074),
        field => ((bits & ((1 << 52) - 1)) | (1 << 52), field as i64 - 1075),
    };
    // 2**61 is 1 modulo the prime: multiplying by a power of two turns the 61 bits.
    let turn = exponent.rem_euclid(i64::from(BITS)) as u32;
    let turned = if turn == 0 { mantissa } else { ((mantissa << turn) & MODULUS) | (mantissa >> (BITS - turn)) };
    let magnitude = (turned % MODULUS) as i64;
    Some(not_minus_one(if x < 0.0 { -magnitude } else { magnitude }))
}

/// Of the UTF-8 bytes; the seed is fixed, so runs repeat.
pub fn str(text: &str) -> i64 {
    bytes(text.as_bytes())
}

pub fn bytes(bytes: &[u8]) -> i64 {
    if bytes.is_empty() {
        return 0;
    }
    let mut hasher = foldhash::fast::FixedState::with_seed(0x4b69_7421).build_hasher();
    hasher.write(bytes);
    not_minus_one(hasher.finish() as i64)
}

/// Of an address or an identity: low bits that are always zero go to the top.
pub fn address(address: u64) -> i64 {
    not_minus_one(address.rotate_right(4) as i64)
}

/// CPython's tuple hash (a variant of xxHash) over the hashes of the items.
pub fn tuple(hashes: impl IntoIterator<Item = i64>) -> i64 {
    const P1: u64 = 11400714785074694791;
    const P2: u64 = 14029467366897019727;
    const P5: u64 = 2870177450012600261;
    let mut acc = P5;
    let mut len = 0u64;
    for lane in hashes {
        acc = acc.wrapping_add((lane as u64).wrapping_mul(P2)).rotate_left(31).wrapping_mul(P1);
        len += 1;
    }
    acc = acc.wrapping_add(len ^ (P5 ^ 3527539));
    if acc == u64::MAX { 1546275796 } else { acc as i64 }
}

/// CPython's frozenset hash: the order of the items does not matter.
pub fn frozenset(hashes: impl IntoIterator<Item = i64>) -> i64 {
    let shuffle = |h: u64| ((h ^ 89869747) ^ (h << 16)).wrapping_mul(3644798167);
    let mut hash = 0u64;
    let mut len = 0u64;
    for item in hashes {
        hash ^= shuffle(item as u64);
        len += 1;
    }
    hash ^= len.wrapping_add(1).wrapping_mul(1927868237);
    hash ^= (hash >> 11) ^ (hash >> 25);
    hash = hash.wrapping_mul(69069).wrapping_add(907133923);
    if hash == u64::MAX { 590923713 } else { hash as i64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::pure::int::parse;

    /// Recorded from CPython 3.11.
    #[test]
    fn as_cpython() {
        assert_eq!(tuple([1, 2, 3]), 529344067295497451);
        assert_eq!(tuple([]), 5740354900026072187);
        assert_eq!(frozenset([]), 133146708735736);
        assert_eq!(frozenset([3, 1, 2]), -272375401224217160);
        for (text, hash) in [
            ("2305843009213693951", 0),
            ("-1", -2),
            ("-2305843009213693952", -2),
            ("1000000000000000000000000000000", 465258685558744706),
            ("-1000000000000000000000000000000", -465258685558744706),
        ] {
            assert_eq!(int(parse(text, 10, 0).unwrap().borrow()), hash);
        }
        for (x, hash) in [
            (0.5, 1152921504606846976),
            (1e300, 1224995262755759164),
            (-2305843009213693952.0, -2),
            (5e-324, 16777216),
            (-0.0, 0),
            (f64::NEG_INFINITY, -314159),
        ] {
            assert_eq!(float(x), Some(hash));
        }
        assert_eq!(float(f64::NAN), None);
    }

    #[test]
    fn texts_hash_the_same_in_every_run() {
        assert_eq!(str("kit"), bytes(b"kit"));
        assert_eq!(str(""), 0);
        assert_ne!(str("a"), str("b"));
    }
}

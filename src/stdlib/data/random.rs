//! `_random`: the Mersenne Twister, number for number as in CPython.
//!
//! Source: Matsumoto and Nishimura, "Mersenne Twister", ACM TOMACS 1998 (mt19937ar), with the seeding
//! and the ways to ints and floats of CPython's `random`. Distributions are in `kit/random.kit`.

use super::{state, this};
use crate::natives;
use crate::object::pure::int::{self, IntRef, IntVal};
use crate::object::types::List;
use crate::object::{TypeId, Value};
use crate::vm::make::{float_of, int_of};
use crate::vm::{Call, Res, Thread};
use crate::world::Stream;
use num_bigint::BigInt;

natives! { pub MODULE, "_random";
    /// A new generator, seeded by the world.
    holds twister("") = twister;
}

natives! { pub TWISTER, method "Twister";
    /// Begins anew from an int's absolute value, a float's hash, or (None) from the world.
    holds seed("n=None, /") = seed;
    /// The next number from 0.0 to below 1.0.
    holds random("") = random;
    /// An int of `k` random bits.
    holds getrandbits("k, /") = getrandbits;
    /// An int from 0 to below `n`.
    holds randbelow("n, /") = randbelow;
    /// A float between `a` and `b`.
    holds uniform("a, b") = uniform;
    /// An int of `range(start, stop, step)`.
    holds randrange("start, stop=None, step=1") = randrange;
    /// An int from `a` to `b`, both ends included.
    holds randint("a, b") = randint;
    /// An item of a sequence that is not empty.
    holds choice("seq") = choice;
    /// Puts the items of a sequence in random order, in place.
    holds shuffle("x") = shuffle;
    /// `k` items, each drawn from all of a sequence.
    holds choices("population, k, /") = choices;
    /// The state, as a tuple of 625 ints.
    holds getstate("") = getstate;
    /// Goes on from a state that `getstate` gave.
    holds setstate("state, /") = setstate;
}

const N: usize = 624;
const M: usize = 397;

struct Twister {
    words: [u32; N],
    at: usize,
}

impl Twister {
    fn from_word(seed: u32) -> Twister {
        let mut words = [0; N];
        words[0] = seed;
        for i in 1..N {
            let before = words[i - 1] ^ (words[i - 1] >> 30);
            words[i] = before.wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Twister { words, at: N }
    }

    fn from_key(key: &[u32]) -> Twister {
        let mut t = Twister::from_word(19_650_218);
        let (mut i, mut j) = (1, 0);
        let w = &mut t.words;
        for _ in 0..N.max(key.len()) {
            let mix = (w[i - 1] ^ (w[i - 1] >> 30)).wrapping_mul(1_664_525);
            w[i] = (w[i] ^ mix).wrapping_add(key[j]).wrapping_add(j as u32);
            i += 1;
            j = (j + 1) % key.len();
            if i >= N {
                w[0] = w[N - 1];
                i = 1;
            }
        }
        for _ in 1..N {
            let mix = (w[i - 1] ^ (w[i - 1] >> 30)).wrapping_mul(1_566_083_941);
            w[i] = (w[i] ^ mix).wrapping_sub(i as u32);
            i += 1;
            if i >= N {
                w[0] = w[N - 1];
                i = 1;
            }
        }
        w[0] = 0x8000_0000;
        t
    }

    fn refill(&mut self) {
        let w = &mut self.words;
        for i in 0..N {
            let y = (w[i] & 0x8000_0000) | (w[(i + 1) % N] & 0x7fff_ffff);
            w[i] = w[(i + M) % N] ^ (y >> 1) ^ if y & 1 == 0 { 0 } else { 0x9908_b0df };
        }
        self.at = 0;
    }

    fn word(&mut self) -> u32 {
        if self.at >= N {
            self.refill();
        }
        let mut y = self.words[self.at];
        self.at += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    fn float(&mut self) -> f64 {
        let (a, b) = (self.word() >> 5, self.word() >> 6);
        (f64::from(a) * 67_108_864.0 + f64::from(b)) * (1.0 / 9_007_199_254_740_992.0)
    }

    /// `k` bits, least significant words first.
    fn bits(&mut self, k: u64) -> IntVal {
        if k == 0 {
            return IntVal::Small(0);
        }
        if k <= 32 {
            return IntVal::Small((self.word() >> (32 - k)).into());
        }
        let mut left = k;
        let mut words = Vec::with_capacity(k.div_ceil(32) as usize);
        while left > 0 {
            let w = self.word();
            words.push(if left < 32 { w >> (32 - left) } else { w });
            left = left.saturating_sub(32);
        }
        BigInt::from(num_bigint::BigUint::new(words)).into()
    }

    fn below(&mut self, n: IntRef) -> IntVal {
        let k = int::bit_length(n);
        loop {
            let r = self.bits(k);
            if int::cmp(r.borrow(), n).is_lt() {
                return r;
            }
        }
    }

    fn below_small(&mut self, n: u64) -> u64 {
        let k = u64::BITS - n.leading_zeros();
        loop {
            let r = match k {
                0..=32 => u64::from(self.word() >> (32 - k)),
                _ => u64::from(self.word()) | (u64::from(self.word() >> (64 - k)) << 32),
            };
            if r < n {
                return r;
            }
        }
    }
}

fn own<R>(c: &mut Call, f: impl FnOnce(&mut Twister) -> R) -> Res<R> {
    this(c, "generator of random numbers", f)
}

fn from_world(th: &mut Thread) -> Twister {
    let key: Vec<u32> = (0..N).map(|_| th.held.draw(Stream::Script) as u32).collect();
    Twister::from_key(&key)
}

fn twister(c: &mut Call) -> Res<Value> {
    let t = from_world(c);
    Ok(state(c, TypeId::Twister, t))
}

fn seed(c: &mut Call) -> Res<Value> {
    let v = c.some(1);
    let fresh = match v {
        None => from_world(c),
        Some(v) => {
            let words = match int_of(&v) {
                Some(n) => int::abs(n).borrow().widen().magnitude().to_u32_digits(),
                None => {
                    let hash = c.hash(&v)? as u64;
                    vec![hash as u32, (hash >> 32) as u32]
                }
            };
            let used = words.iter().rposition(|w| *w != 0).map_or(0, |i| i + 1);
            if used == 0 { Twister::from_key(&[0]) } else { Twister::from_key(&words[..used]) }
        }
    };
    own(c, |t| *t = fresh)?;
    Ok(Value::None)
}

fn random(c: &mut Call) -> Res<Value> {
    Ok(Value::float(own(c, Twister::float)?))
}

fn getrandbits(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let k = c.index(&v)?;
    let Ok(k) = u64::try_from(k) else {
        return Err(c.value_error("number of bits must be non-negative"));
    };
    if k > 1 << 32 {
        return Err(c.raise_with(TypeId::MemoryError, vec![]));
    }
    let bits = own(c, |t| t.bits(k))?;
    Ok(c.int(bits))
}

fn randbelow(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let n = c.index_int(&v)?;
    if int::cmp(n.borrow(), IntRef::Small(0)).is_le() {
        return Err(c.value_error("a bound above 0 is needed"));
    }
    let r = own(c, |t| t.below(n.borrow()))?;
    Ok(c.int(r))
}

fn uniform(c: &mut Call) -> Res<Value> {
    let (a, b) = (c.arg(1), c.arg(2));
    let (a, b) = (c.to_float(&a)?, c.to_float(&b)?);
    Ok(Value::float(a + (b - a) * own(c, Twister::float)?))
}

/// An int, or a float that is whole (CPython warns of it, and takes it).
fn whole(c: &mut Call, v: &Value, what: &str) -> Res<IntVal> {
    match float_of(v) {
        Some(x) if x.fract() == 0.0 => {
            let r = int::from_float(x);
            c.pure(r)
        }
        Some(_) => Err(c.value_error(format!("non-integer {what} for randrange()"))),
        None => c.index_int(v),
    }
}

fn in_range(c: &mut Call, start: IntVal, stop: IntVal, step: IntVal) -> Res<Value> {
    if let (IntVal::Small(a), IntVal::Small(b), IntVal::Small(1)) = (&start, &stop, &step)
        && let Some(width) = b.checked_sub(*a).filter(|w| *w > 0)
    {
        let r = own(c, |t| t.below_small(width as u64))?;
        return Ok(Value::Int(a + r as i64));
    }
    let zero = IntRef::Small(0);
    let width = int::sub(stop.borrow(), start.borrow());
    if step == IntVal::Small(1) {
        if int::cmp(width.borrow(), zero).is_le() {
            let [a, b, w] = [&start, &stop, &width].map(|i| int::to_decimal(i.borrow(), 0).unwrap_or_default());
            return Err(c.value_error(format!("empty range for randrange() ({a}, {b}, {w})")));
        }
        let r = own(c, |t| t.below(width.borrow()))?;
        return Ok(c.int(int::add(start.borrow(), r.borrow())));
    }
    if step == IntVal::Small(0) {
        return Err(c.value_error("zero step for randrange()"));
    }
    let one = IntRef::Small(if int::cmp(step.borrow(), zero).is_gt() { 1 } else { -1 });
    let reach = int::sub(int::add(width.borrow(), step.borrow()).borrow(), one);
    let n = int::floor_div(reach.borrow(), step.borrow());
    let n = c.pure(n)?;
    if int::cmp(n.borrow(), zero).is_le() {
        return Err(c.value_error("empty range for randrange()"));
    }
    let r = own(c, |t| t.below(n.borrow()))?;
    let r = int::add(start.borrow(), int::mul(step.borrow(), r.borrow()).borrow());
    Ok(c.int(r))
}

fn randrange(c: &mut Call) -> Res<Value> {
    let start = c.arg(1);
    let start = whole(c, &start, "arg 1")?;
    let Some(stop) = c.some(2) else {
        if c.opt(3).is_some() {
            return Err(c.type_error("Missing a non-None stop argument"));
        }
        if int::cmp(start.borrow(), IntRef::Small(0)).is_le() {
            return Err(c.value_error("empty range for randrange()"));
        }
        return in_range(c, IntVal::Small(0), start, IntVal::Small(1));
    };
    let stop = whole(c, &stop, "stop")?;
    let step = match c.opt(3) {
        None => IntVal::Small(1),
        Some(v) => whole(c, &v, "step")?,
    };
    in_range(c, start, stop, step)
}

fn randint(c: &mut Call) -> Res<Value> {
    let (a, b) = (c.arg(1), c.arg(2));
    let (a, b) = (whole(c, &a, "arg 1")?, whole(c, &b, "stop")?);
    in_range(c, a, int::add(b.borrow(), IntRef::Small(1)), IntVal::Small(1))
}

fn choice(c: &mut Call) -> Res<Value> {
    let seq = c.arg(1);
    let n = c.length(&seq)?;
    if n == 0 {
        return Err(c.index_error("Cannot choose from an empty sequence"));
    }
    let i = own(c, |t| t.below_small(n as u64))?;
    c.get_item(&seq, &Value::Int(i as i64))
}

fn shuffle(c: &mut Call) -> Res<Value> {
    let x = c.arg(1);
    let n = c.length(&x)?;
    for i in (1..n).rev() {
        let j = own(c, |t| t.below_small(i as u64 + 1))? as usize;
        let plain = |l: &mut List| {
            let fits = i < l.items.len();
            if fits {
                l.items.swap(i, j);
            }
            fits
        };
        match &x {
            Value::Obj(r) if r.try_with::<List, _>(&c.held, plain) == Some(true) => {}
            _ => {
                let (ki, kj) = (Value::Int(i as i64), Value::Int(j as i64));
                let (a, b) = (c.get_item(&x, &ki)?, c.get_item(&x, &kj)?);
                c.set_item(&x, &ki, b)?;
                c.set_item(&x, &kj, a)?;
            }
        }
    }
    Ok(Value::None)
}

fn choices(c: &mut Call) -> Res<Value> {
    let (population, k) = (c.arg(1), c.arg(2));
    let (n, k) = (c.length(&population)?, c.index(&k)?.max(0) as usize);
    c.room_for(k)?;
    let mut out = Vec::with_capacity(k);
    for _ in 0..k {
        let x = own(c, Twister::float)?;
        // Of an empty sequence the first look-up says so.
        out.push(c.get_item(&population, &Value::Int((x * n as f64).floor() as i64))?);
    }
    Ok(c.list(out))
}

fn getstate(c: &mut Call) -> Res<Value> {
    let (words, at) = own(c, |t| (t.words, t.at))?;
    let mut items: Vec<Value> = words.iter().map(|w| Value::Int((*w).into())).collect();
    items.push(Value::Int(at as i64));
    Ok(c.tuple(items))
}

fn setstate(c: &mut Call) -> Res<Value> {
    let v = c.arg(1);
    let items = c.collect(&v)?;
    if items.len() != N + 1 {
        return Err(c.value_error("state vector is the wrong size"));
    }
    let mut words = [0; N];
    for (w, v) in words.iter_mut().zip(&items) {
        *w = c.index(v)? as u32;
    }
    let at = c.index(&items[N])?;
    let Some(at) = usize::try_from(at).ok().filter(|at| *at <= N) else {
        return Err(c.value_error("invalid state"));
    };
    own(c, |t| *t = Twister { words, at })?;
    Ok(Value::None)
}

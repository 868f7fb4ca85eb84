//! The loop that runs a program.

use super::cells::Cells;
use super::code::{Op, Proc, Program, Reg, num_of, tag};
use super::form::{Builtin, Raised};
use super::num::{self, Num, overflow};
use crate::object::pure::int::{self, IntRef};
use crate::object::pure::{PureError, float};
use crate::source::Span;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Registers of a frame (N4).
const WINDOW: usize = 256;

/// Why a program ended before its end.
#[derive(Debug)]
pub enum End {
    Error(PureError),
    /// The variable that has no value.
    Unset(String),
    Recursion,
    Raised(Raised),
    /// The flag was up (N5).
    Stopped,
}

/// An end, and where each function had got to, the innermost first: procedure and place.
#[derive(Debug)]
pub struct Fault {
    pub end: End,
    pub trail: Vec<(usize, Span)>,
}

/// What a program works on.
pub struct Work<'a> {
    pub program: &'a Program,
    /// Arguments of the first function: bits, or the number of a row.
    pub args: &'a [(u64, u64)],
    pub numbers: &'a [u64],
    pub rows: &'a [Arc<Cells>],
    /// Frames at most.
    pub depth_max: usize,
    /// Looked at at safe points: a bit of the mask in the word says to stop.
    pub stop: (&'a AtomicU32, u32),
}

struct Frame {
    proc: usize,
    pc: usize,
    base: usize,
}

type Window = [u64; WINDOW];

/// False also where one of the two is no number: a jump on "not less" is then taken.
fn less(a: f64, b: f64) -> bool {
    a < b
}

fn at_most(a: f64, b: f64) -> bool {
    a <= b
}

/// Runs a program to its end.
pub fn run(work: &Work, steps: &mut u64) -> Result<Vec<u64>, Fault> {
    let mut stack = vec![0u64; WINDOW * 4];
    for (i, (t, bits)) in work.args.iter().enumerate() {
        // A value of a known type lies in the first of its two registers.
        let any = work.program.procs[0].args[i] == super::code::Ty::Any;
        stack[2 * i] = if any { *t } else { *bits };
        stack[2 * i + 1] = *bits;
    }
    let mut frames = vec![Frame { proc: 0, pc: 0, base: 0 }];
    loop {
        let f = frames.last_mut().expect("a frame runs");
        let proc = &work.program.procs[f.proc];
        let window: &mut Window = (&mut stack[f.base..f.base + WINDOW]).try_into().expect("a whole window");
        match go(work, proc, window, &mut f.pc, steps) {
            Ok(Event::Call { proc, at }) => {
                if frames.len() >= work.depth_max {
                    return Err(fault(work, &frames, End::Recursion));
                }
                let base = frames.last().expect("a frame runs").base + usize::from(at);
                if base + WINDOW > stack.len() {
                    stack.resize((base + WINDOW) * 2, 0);
                }
                frames.push(Frame { proc, pc: 0, base });
            }
            Ok(Event::Return { at, n }) => {
                window.copy_within(usize::from(at)..usize::from(at) + 2 * usize::from(n), 0);
                let results = window[..2 * usize::from(n)].to_vec();
                frames.pop();
                if frames.is_empty() {
                    return Ok(results);
                }
            }
            Err(end) => return Err(fault(work, &frames, *end)),
        }
    }
}

fn fault(work: &Work, frames: &[Frame], end: End) -> Fault {
    let place = |f: &Frame| (f.proc, work.program.procs[f.proc].spans[f.pc.saturating_sub(1)]);
    Fault { end, trail: frames.iter().rev().map(place).collect() }
}

/// Why the inner loop was left.
enum Event {
    Call { proc: usize, at: Reg },
    Return { at: Reg, n: u8 },
}

type Step<T> = Result<T, Box<End>>;

fn err<T>(r: Result<T, PureError>) -> Step<T> {
    r.map_err(|e| Box::new(End::Error(e)))
}

#[cold]
fn too_large<T>(what: &str) -> Step<T> {
    err(Err(overflow(what)))
}

/// Runs one frame until it calls, returns or fails. One match: an arm for each instruction.
#[allow(clippy::too_many_lines)]
fn go(work: &Work, proc: &Proc, w: &mut Window, pc_at: &mut usize, steps: &mut u64) -> Step<Event> {
    macro_rules! int {
        ($r:expr) => {
            w[$r as usize] as i64
        };
    }
    macro_rules! float {
        ($r:expr) => {
            f64::from_bits(w[$r as usize])
        };
    }
    macro_rules! set {
        ($r:expr, int $v:expr) => {
            w[$r as usize] = $v as u64
        };
        ($r:expr, float $v:expr) => {
            w[$r as usize] = f64::to_bits($v)
        };
        ($r:expr, bool $v:expr) => {
            w[$r as usize] = u64::from($v)
        };
    }
    let code = &proc.code[..];
    let mut pc = *pc_at;
    // Where the block began that is being run: blocks are counted when they are left.
    let mut block = pc;
    macro_rules! leave {
        ($e:expr) => {{
            *steps += (pc - block) as u64;
            *pc_at = pc;
            return $e;
        }};
    }
    macro_rules! ok {
        ($e:expr) => {
            match $e {
                Ok(v) => v,
                Err(e) => leave!(Err(e)),
            }
        };
    }
    macro_rules! jump {
        ($to:expr) => {{
            *steps += (pc - block) as u64;
            pc = $to as usize;
            block = pc;
        }};
    }
    macro_rules! safe_point {
        () => {
            if work.stop.0.load(Relaxed) & work.stop.1 != 0 {
                leave!(Err(Box::new(End::Stopped)));
            }
        };
    }
    macro_rules! checked {
        ($d:expr, $v:expr, $what:literal) => {
            match $v {
                Some(v) => set!($d, int v),
                None => leave!(too_large($what)),
            }
        };
    }
    loop {
        let op = code[pc];
        pc += 1;
        match op {
            Op::Const(d, k) => w[d as usize] = proc.consts[k as usize],
            Op::Number(d, k) => w[d as usize] = work.numbers[k as usize],
            Op::Move(d, a) => w[d as usize] = w[a as usize],
            Op::Move2(d, a) => {
                let pair = (w[a as usize], w[a as usize + 1]);
                (w[d as usize], w[d as usize + 1]) = pair;
            }
            Op::AddI(d, a, b) => checked!(d, int!(a).checked_add(int!(b)), "+"),
            Op::SubI(d, a, b) => checked!(d, int!(a).checked_sub(int!(b)), "-"),
            Op::MulI(d, a, b) => checked!(d, int!(a).checked_mul(int!(b)), "*"),
            Op::AddK(d, a, k) => checked!(d, int!(a).checked_add(i64::from(k)), "+"),
            Op::FloorDivI(d, a, b) => {
                let v = ok!(divided(int!(a), int!(b), "//").map(|(q, _)| q));
                set!(d, int v)
            }
            Op::ModI(d, a, b) => {
                let v = ok!(divided(int!(a), int!(b), "%").map(|(_, m)| m));
                set!(d, int v)
            }
            Op::PowI(d, a, b) => {
                let v = u32::try_from(int!(b)).ok().and_then(|e| int!(a).checked_pow(e));
                match v {
                    Some(v) => set!(d, int v),
                    None => set!(d, int ok!(big_power(int!(a), int!(b)))),
                }
            }
            Op::AndI(d, a, b) => w[d as usize] = w[a as usize] & w[b as usize],
            Op::OrI(d, a, b) => w[d as usize] = w[a as usize] | w[b as usize],
            Op::XorI(d, a, b) => w[d as usize] = w[a as usize] ^ w[b as usize],
            Op::ShlI(d, a, b) => set!(d, int ok!(shifted(int!(a), int!(b)))),
            Op::ShrI(d, a, b) => match int!(b) {
                n @ 0..64 => set!(d, int int!(a) >> n),
                n if n >= 64 => set!(d, int int!(a) >> 63),
                _ => leave!(err(Err(PureError::value("negative shift count")))),
            },
            Op::DivI(d, a, b) => {
                let v = ok!(err(int::true_div(IntRef::Small(int!(a)), IntRef::Small(int!(b)))));
                set!(d, float v)
            }
            Op::NegI(d, a) => checked!(d, int!(a).checked_neg(), "-"),
            Op::InvertI(d, a) => w[d as usize] = !w[a as usize],
            Op::AbsI(d, a) => checked!(d, int!(a).checked_abs(), "abs()"),
            Op::AddF(d, a, b) => set!(d, float float!(a) + float!(b)),
            Op::SubF(d, a, b) => set!(d, float float!(a) - float!(b)),
            Op::MulF(d, a, b) => set!(d, float float!(a) * float!(b)),
            Op::DivF(d, a, b) => {
                let y = float!(b);
                if y == 0.0 {
                    leave!(err(Err(PureError::zero("float division by zero"))));
                }
                set!(d, float float!(a) / y)
            }
            Op::FloorDivF(d, a, b) => {
                let v = ok!(err(float::floor_div(float!(a), float!(b))));
                set!(d, float v)
            }
            Op::ModF(d, a, b) => {
                let v = ok!(err(float::modulo(float!(a), float!(b))));
                set!(d, float v)
            }
            Op::PowF(d, a, b) => {
                let v = ok!(err(float::pow(float!(a), float!(b))));
                set!(d, float v)
            }
            Op::NegF(d, a) => set!(d, float - float!(a)),
            Op::AbsF(d, a) => set!(d, float float!(a).abs()),
            Op::IntFloat(d, a) => set!(d, float int!(a) as f64),
            Op::LtI(d, a, b) => set!(d, bool int!(a) < int!(b)),
            Op::LeI(d, a, b) => set!(d, bool int!(a) <= int!(b)),
            Op::EqI(d, a, b) => set!(d, bool w[a as usize] == w[b as usize]),
            Op::NeI(d, a, b) => set!(d, bool w[a as usize] != w[b as usize]),
            Op::LtF(d, a, b) => set!(d, bool float!(a) < float!(b)),
            Op::LeF(d, a, b) => set!(d, bool float!(a) <= float!(b)),
            Op::EqF(d, a, b) => set!(d, bool float!(a) == float!(b)),
            Op::NeF(d, a, b) => set!(d, bool float!(a) != float!(b)),
            Op::Not(d, a) => w[d as usize] = w[a as usize] ^ 1,
            Op::JLtI(a, b, to) if int!(a) < int!(b) => jump!(to),
            Op::JLeI(a, b, to) if int!(a) <= int!(b) => jump!(to),
            Op::JEqI(a, b, to) if w[a as usize] == w[b as usize] => jump!(to),
            Op::JNeI(a, b, to) if w[a as usize] != w[b as usize] => jump!(to),
            Op::JLtK(a, k, to) if int!(a) < i64::from(k) => jump!(to),
            Op::JLeK(a, k, to) if int!(a) <= i64::from(k) => jump!(to),
            Op::JGtK(a, k, to) if int!(a) > i64::from(k) => jump!(to),
            Op::JGeK(a, k, to) if int!(a) >= i64::from(k) => jump!(to),
            Op::JEqK(a, k, to) if int!(a) == i64::from(k) => jump!(to),
            Op::JNeK(a, k, to) if int!(a) != i64::from(k) => jump!(to),
            Op::JLtF(a, b, to) if float!(a) < float!(b) => jump!(to),
            Op::JLeF(a, b, to) if float!(a) <= float!(b) => jump!(to),
            Op::JNotLtF(a, b, to) if !less(float!(a), float!(b)) => jump!(to),
            Op::JNotLeF(a, b, to) if !at_most(float!(a), float!(b)) => jump!(to),
            Op::JEqF(a, b, to) if float!(a) == float!(b) => jump!(to),
            Op::JNeF(a, b, to) if float!(a) != float!(b) => jump!(to),
            Op::JIf(a, to) if w[a as usize] != 0 => jump!(to),
            Op::JIfNot(a, to) if w[a as usize] == 0 => jump!(to),
            Op::JLtI(..) | Op::JLeI(..) | Op::JEqI(..) | Op::JNeI(..) | Op::JLtK(..) | Op::JLeK(..) => {}
            Op::JGtK(..) | Op::JGeK(..) | Op::JEqK(..) | Op::JNeK(..) | Op::JLtF(..) | Op::JLeF(..) => {}
            Op::JNotLtF(..) | Op::JNotLeF(..) | Op::JEqF(..) | Op::JNeF(..) | Op::JIf(..) | Op::JIfNot(..) => {}
            Op::Jump(to) => jump!(to),
            Op::Back(to) => {
                jump!(to);
                safe_point!();
            }
            Op::ForRange(r, to) => {
                ok!(range(w, r as usize));
                jump!(to)
            }
            Op::ForNext(r, d, to) => {
                let r = r as usize;
                if w[r + 2] != 0 {
                    w[r + 2] -= 1;
                    w[d as usize] = w[r];
                    w[r] = w[r].wrapping_add(w[r + 1]);
                    jump!(to);
                    safe_point!();
                }
            }
            Op::Load(d, row, i) => {
                let cells = &work.rows[w[row as usize] as usize];
                let at = ok!(place(cells, int!(i), "array index out of range"));
                w[d as usize] = ok!(err(cells.load(at)));
            }
            Op::StoreI(row, i, v) => {
                let cells = &work.rows[w[row as usize] as usize];
                let at = ok!(place(cells, int!(i), "array assignment index out of range"));
                ok!(err(cells.store_int(at, int!(v))));
            }
            Op::StoreF(row, i, v) => {
                let cells = &work.rows[w[row as usize] as usize];
                let at = ok!(place(cells, int!(i), "array assignment index out of range"));
                ok!(err(cells.store_float(at, float!(v))));
            }
            Op::StoreAny(row, i, v) => {
                let cells = &work.rows[w[row as usize] as usize];
                let at = ok!(place(cells, int!(i), "array assignment index out of range"));
                ok!(err(cells.store(at, any(w, v))));
            }
            Op::Len(d, row) => set!(d, int work.rows[w[row as usize] as usize].len()),
            Op::Box(d, a, t) => {
                let bits = w[a as usize];
                (w[d as usize], w[d as usize + 1]) = (u64::from(t), bits);
            }
            Op::Tag(d, t) => (w[d as usize], w[d as usize + 1]) = (u64::from(t), 0),
            Op::IsSet(a, var) => {
                if w[a as usize] == tag::UNSET {
                    leave!(Err(Box::new(End::Unset(proc.kernel.vars[var as usize].name.clone()))));
                }
            }
            Op::BinAny(op, d, a, b) => {
                let v = ok!(err(num::binary(op, any(w, a), any(w, b))));
                set_any(w, d, v);
            }
            Op::UnAny(op, d, a) => {
                let v = ok!(err(num::unary(op, any(w, a))));
                set_any(w, d, v);
            }
            Op::CmpAny(op, d, a, b) => {
                let v = ok!(err(num::compare(op, any(w, a), any(w, b))));
                set!(d, bool v)
            }
            Op::TruthAny(d, a) => set!(d, bool any(w, a).truth()),
            Op::IndexAny(d, a, of_row) => {
                let v = any(w, a).index();
                let v = if of_row == 1 { v.map_err(|_| PureError::type_("array indices must be integers")) } else { v };
                set!(d, int ok!(err(v)))
            }
            Op::RealAny(d, a) => {
                let v = ok!(err(any(w, a).real()));
                set!(d, float v)
            }
            Op::BuiltinAny(b, d, x, y) => {
                let second = (x != y).then(|| any(w, y));
                let v = ok!(err(builtin(b, any(w, x), second)));
                set_any(w, d, v);
            }
            Op::Math1(k, d, a) => {
                let v = ok!(err(proc.math1[k as usize](float!(a))));
                set!(d, float v)
            }
            Op::Math2(k, d, a, b) => {
                let v = ok!(err(proc.math2[k as usize](float!(a), float!(b))));
                set!(d, float v)
            }
            Op::Call(p, at) => {
                safe_point!();
                leave!(Ok(Event::Call { proc: p as usize, at }))
            }
            Op::Return(at, n) => leave!(Ok(Event::Return { at, n })),
            Op::Raise(k) => leave!(Err(Box::new(End::Raised(proc.raises[k as usize].clone())))),
        }
    }
}

fn any(w: &Window, r: Reg) -> Num {
    num_of(w[r as usize], w[r as usize + 1])
}

fn set_any(w: &mut Window, r: Reg, n: Num) {
    (w[r as usize], w[r as usize + 1]) = super::code::bits_of(n);
}

#[inline(always)]
fn place(cells: &Cells, i: i64, out: &'static str) -> Step<usize> {
    let n = cells.len();
    let at = if i < 0 { i.wrapping_add(n as i64) } else { i } as usize;
    if at < n { Ok(at) } else { out_of_range(out) }
}

#[cold]
fn out_of_range<T>(text: &'static str) -> Step<T> {
    err(Err(PureError::new(crate::object::pure::ErrKind::IndexError, text)))
}

/// Quotient toward minus infinity, and the rest with the divisor's sign.
#[inline(always)]
fn divided(a: i64, b: i64, what: &str) -> Step<(i64, i64)> {
    if b == 0 {
        return err(Err(PureError::zero(if what == "%" {
            "integer modulo by zero"
        } else {
            "integer division or modulo by zero"
        })));
    }
    let (Some(q), Some(r)) = (a.checked_div(b), Some(a.wrapping_rem(b))) else {
        return if what == "%" { Ok((0, 0)) } else { too_large(what) };
    };
    Ok(if r != 0 && (r < 0) != (b < 0) { (q - 1, r + b) } else { (q, r) })
}

fn shifted(a: i64, n: i64) -> Step<i64> {
    match n {
        0..64 => {
            let v = a << n;
            if v >> n == a { Ok(v) } else { too_large("<<") }
        }
        n if n < 0 => err(Err(PureError::value("negative shift count"))),
        _ if a == 0 => Ok(0),
        _ => too_large("<<"),
    }
}

/// A power beyond what 32 bits of exponent give.
fn big_power(a: i64, b: i64) -> Step<i64> {
    match (a, b) {
        (0 | 1, _) => Ok(a),
        (-1, b) => Ok(if b % 2 == 0 { 1 } else { -1 }),
        _ => too_large("**"),
    }
}

/// start, stop, step become next, step, left.
fn range(w: &mut Window, r: usize) -> Step<()> {
    let (start, stop, step) = (w[r] as i64, w[r + 1] as i64, w[r + 2] as i64);
    if step == 0 {
        return err(Err(PureError::value("range() arg 3 must not be zero")));
    }
    let (lo, hi) = if step > 0 { (start, stop) } else { (stop, start) };
    let left = if lo >= hi { 0 } else { (hi.wrapping_sub(lo) as u64 - 1) / step.unsigned_abs() + 1 };
    (w[r + 1], w[r + 2]) = (step as u64, left);
    Ok(())
}

fn builtin(b: Builtin, x: Num, y: Option<Num>) -> Result<Num, PureError> {
    let whole = |f: fn(f64) -> f64| match x {
        Num::Float(x) => Num::Float(f(x)).to_int().map(Num::Int),
        x => x.index().map(Num::Int).map_err(|_| PureError::type_("must be real number, not NoneType")),
    };
    Ok(match b {
        Builtin::Abs => x.abs()?,
        Builtin::Int => Num::Int(x.to_int()?),
        Builtin::Float => Num::Float(x.to_float()?),
        Builtin::Floor => whole(f64::floor)?,
        Builtin::Ceil => whole(f64::ceil)?,
        Builtin::Trunc => whole(f64::trunc)?,
        Builtin::IsNan => Num::Bool(x.real()?.is_nan()),
        Builtin::IsInf => Num::Bool(x.real()?.is_infinite()),
        Builtin::IsFinite => Num::Bool(x.real()?.is_finite()),
        Builtin::Isqrt => match x.index()? {
            n if n < 0 => return Err(PureError::value("isqrt() argument must be nonnegative")),
            n => Num::Int(n.isqrt()),
        },
        Builtin::Gcd => {
            let (a, b) = (x.index()?, y.unwrap_or(x).index()?);
            match int::gcd(IntRef::Small(a), IntRef::Small(b)).borrow().to_i64() {
                Some(g) => Num::Int(g),
                None => return Err(overflow("math.gcd()")),
            }
        }
        Builtin::Round => return rounded(x, y),
        _ => return Err(PureError::type_(format!("{}() of numbers of unknown type", b.name()))),
    })
}

fn rounded(x: Num, digits: Option<Num>) -> Result<Num, PureError> {
    match (x, digits) {
        (Num::None, _) => Err(PureError::type_("type NoneType doesn't define __round__ method")),
        (Num::Float(x), None | Some(Num::None)) => {
            float::round(x)?.borrow().to_i64().map(Num::Int).ok_or_else(|| overflow("round()"))
        }
        (Num::Float(x), Some(n)) => float::round_digits(x, n.index()?).map(Num::Float),
        (x, None | Some(Num::None)) => x.index().map(Num::Int),
        (x, Some(n)) => {
            let n = n.index()?;
            let r = int::round(IntRef::Small(x.index()?), n);
            r.borrow().to_i64().map(Num::Int).ok_or_else(|| overflow("round()"))
        }
    }
}

//! THE instruction table. From a row derive the enum, its name and documentation, the disassembly,
//! the verifier's checks and whether it is a safe point.
//!
//! `R[x]` is a register. `plain` rows never look at the breaker word; `checks` rows do (B2).
//! Windows: a call's `base` names consecutive registers: the callee, then its arguments; arguments are
//! moved into the callee's frame and the whole window is unset afterwards.

use super::code::Code;
use super::operand::*;

macro_rules! instructions {
    ($($(#[doc = $doc:expr])* $mode:ident $name:ident { $($field:ident: $ty:ident),* })*) => {
        /// An instruction; see the module for the notation.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u16)]
        pub enum Instr { $($(#[doc = $doc])* $name { $($field: $ty),* }),* }

        /// What the table says of an instruction.
        pub struct Row {
            pub name: &'static str,
            pub doc: &'static str,
            /// Is it a safe point?
            pub checks: bool,
        }

        /// The rows, in order.
        pub const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            doc: concat!($($doc, "\n"),*),
            checks: instructions!(@checks $mode),
        }),*];

        impl Instr {
            pub fn row(&self) -> &'static Row {
                // The discriminant is the first field of a repr(u16) enum; going through a match keeps this safe.
                let at = match self { $(Instr::$name { .. } => Index::$name as usize),* };
                &ROWS[at]
            }
            /// Are all operands in bounds (B1)?
            pub fn check(&self, code: &Code, at: usize) -> Result<(), Fault> {
                match *self { $(Instr::$name { $($field),* } => { $($field.check(code, at)?;)* })* }
                Ok(())
            }
            /// The operands as the disassembly shows them.
            pub fn operands(&self, code: &Code, at: usize) -> String {
                let mut parts: Vec<String> = Vec::new();
                match *self { $(Instr::$name { $($field),* } => { $(parts.push($field.show(code, at));)* })* }
                parts.join(", ")
            }
        }

        #[repr(u16)]
        enum Index { $($name),* }
    };
    (@checks plain) => { false };
    (@checks checks) => { true };
}

instructions! {
    /// R[dst] = R[src]
    plain Move { dst: Reg, src: Reg }
    /// R[dst] = constant k
    plain LoadConst { dst: Reg, k: K }
    /// R[dst] = the int written here
    plain LoadInt { dst: Reg, value: Imm }
    plain LoadNone { dst: Reg }
    plain LoadTrue { dst: Reg }
    plain LoadFalse { dst: Reg }
    /// R[dst] = unset; ends the life of a temporary or marks an absent operand.
    plain Unset { dst: Reg }
    /// UnboundLocalError naming the site if R[reg] is unset.
    plain CheckLocal { reg: Reg, name: Site }
    /// R[reg] = unset; UnboundLocalError if it was: `del x` of a local.
    plain DeleteLocal { reg: Reg, name: Site }
    /// R[dst] = global of this name, else builtin; NameError.
    plain LoadGlobal { dst: Reg, name: Site }
    plain StoreGlobal { src: Reg, name: Site }
    plain DeleteGlobal { name: Site }
    /// Class bodies: R[dst] = name in the namespace R[0], else global, else builtin.
    plain LoadName { dst: Reg, name: Site }
    plain StoreName { src: Reg, name: Site }
    plain DeleteName { name: Site }
    /// Class bodies: R[dst] = name in the namespace R[0], else the content of the cell R[cell].
    plain LoadNameOrCell { dst: Reg, cell: Reg, name: Site }
    /// R[reg] = a new cell that holds what R[reg] held (also unset).
    plain MakeCell { reg: Reg }
    /// R[dst] = captured cell number n of the running function (the cell itself).
    plain LoadCapture { dst: Reg, n: Capture }
    /// R[dst] = content of the cell R[cell]; NameError naming the site if unset.
    plain LoadCell { dst: Reg, cell: Reg, name: Site }
    plain StoreCell { cell: Reg, src: Reg }
    plain DeleteCell { cell: Reg, name: Site }

    /// R[dst] = R[obj].name
    plain LoadAttr { dst: Reg, obj: Reg, name: Site }
    /// R[obj].name = R[src]
    plain StoreAttr { obj: Reg, src: Reg, name: Site }
    plain DeleteAttr { obj: Reg, name: Site }
    /// R[dst] = the function and R[dst+1] = R[obj], or R[dst] = R[obj].name and R[dst+1] = unset.
    plain LoadMethod { dst: Reg, obj: Reg, name: Site }
    /// R[dst] = super(R[class], R[this])
    plain LoadSuper { dst: Reg, class: Reg, this: Reg }
    /// R[dst] = R[obj][R[key]]
    plain GetItem { dst: Reg, obj: Reg, key: Reg }
    /// R[dst] = R[obj][int]
    plain GetItemI { dst: Reg, obj: Reg, key: Imm }
    /// R[obj][R[key]] = R[src]
    plain SetItem { obj: Reg, key: Reg, src: Reg }
    plain DelItem { obj: Reg, key: Reg }
    /// R[dst] = slice(R[base], R[base+1], R[base+2])
    plain BuildSlice { dst: Reg, base: Reg }

    /// R[dst] = R[a] + R[b]; TypeError when the pair has no `+`. So the twelve that follow.
    plain Add { dst: Reg, a: Reg, b: Reg }
    plain Sub { dst: Reg, a: Reg, b: Reg }
    plain Mul { dst: Reg, a: Reg, b: Reg }
    plain Div { dst: Reg, a: Reg, b: Reg }
    plain FloorDiv { dst: Reg, a: Reg, b: Reg }
    plain Mod { dst: Reg, a: Reg, b: Reg }
    plain Pow { dst: Reg, a: Reg, b: Reg }
    plain MatMul { dst: Reg, a: Reg, b: Reg }
    plain BitAnd { dst: Reg, a: Reg, b: Reg }
    plain BitOr { dst: Reg, a: Reg, b: Reg }
    plain BitXor { dst: Reg, a: Reg, b: Reg }
    plain Shl { dst: Reg, a: Reg, b: Reg }
    plain Shr { dst: Reg, a: Reg, b: Reg }
    /// R[dst] = R[a] + int. The small int is an operand of the script (`x + 1`), never of the compiler.
    plain AddI { dst: Reg, a: Reg, b: Imm }
    plain SubI { dst: Reg, a: Reg, b: Imm }
    plain MulI { dst: Reg, a: Reg, b: Imm }
    plain FloorDivI { dst: Reg, a: Reg, b: Imm }
    plain ModI { dst: Reg, a: Reg, b: Imm }
    /// R[a] += R[b] into R[dst]: `__iadd__` first. So the twelve that follow.
    plain IAdd { dst: Reg, a: Reg, b: Reg }
    plain ISub { dst: Reg, a: Reg, b: Reg }
    plain IMul { dst: Reg, a: Reg, b: Reg }
    plain IDiv { dst: Reg, a: Reg, b: Reg }
    plain IFloorDiv { dst: Reg, a: Reg, b: Reg }
    plain IMod { dst: Reg, a: Reg, b: Reg }
    plain IPow { dst: Reg, a: Reg, b: Reg }
    plain IMatMul { dst: Reg, a: Reg, b: Reg }
    plain IBitAnd { dst: Reg, a: Reg, b: Reg }
    plain IBitOr { dst: Reg, a: Reg, b: Reg }
    plain IBitXor { dst: Reg, a: Reg, b: Reg }
    plain IShl { dst: Reg, a: Reg, b: Reg }
    plain IShr { dst: Reg, a: Reg, b: Reg }
    /// R[a] += int into R[dst]: `__iadd__` first, and `+=` in the error text.
    plain IAddI { dst: Reg, a: Reg, b: Imm }
    plain ISubI { dst: Reg, a: Reg, b: Imm }
    plain Neg { dst: Reg, a: Reg }
    plain Pos { dst: Reg, a: Reg }
    plain Invert { dst: Reg, a: Reg }
    /// R[dst] = not R[a], a bool.
    plain Not { dst: Reg, a: Reg }

    plain Lt { dst: Reg, a: Reg, b: Reg }
    plain Le { dst: Reg, a: Reg, b: Reg }
    plain Eq { dst: Reg, a: Reg, b: Reg }
    plain Ne { dst: Reg, a: Reg, b: Reg }
    plain Gt { dst: Reg, a: Reg, b: Reg }
    plain Ge { dst: Reg, a: Reg, b: Reg }
    plain Is { dst: Reg, a: Reg, b: Reg }
    plain IsNot { dst: Reg, a: Reg, b: Reg }
    /// R[dst] = R[a] in R[b]
    plain In { dst: Reg, a: Reg, b: Reg }
    plain NotIn { dst: Reg, a: Reg, b: Reg }

    /// Forward only.
    plain Jump { by: LongJump }
    /// Backward only: closes a loop.
    checks JumpBack { by: LongJump }
    /// Forward only: jump if R[src] is true.
    plain JumpIf { src: Reg, by: Jump }
    plain JumpIfNot { src: Reg, by: Jump }
    plain JumpIfNone { src: Reg, by: Jump }
    plain JumpIfNotNone { src: Reg, by: Jump }
    /// Forward only: jump unless R[a] < R[b] (not the same as R[a] >= R[b]: nan, overloads).
    plain UnlessLt { a: Reg, b: Reg, by: Jump }
    plain UnlessLe { a: Reg, b: Reg, by: Jump }
    plain UnlessEq { a: Reg, b: Reg, by: Jump }
    plain UnlessNe { a: Reg, b: Reg, by: Jump }
    plain UnlessGt { a: Reg, b: Reg, by: Jump }
    plain UnlessGe { a: Reg, b: Reg, by: Jump }
    plain UnlessLtI { a: Reg, b: Imm, by: Jump }
    plain UnlessLeI { a: Reg, b: Imm, by: Jump }
    plain UnlessEqI { a: Reg, b: Imm, by: Jump }
    plain UnlessNeI { a: Reg, b: Imm, by: Jump }
    plain UnlessGtI { a: Reg, b: Imm, by: Jump }
    plain UnlessGeI { a: Reg, b: Imm, by: Jump }
    /// Backward only: the test at the bottom of a loop, jump while R[src] is true.
    checks LoopIf { src: Reg, by: Jump }
    checks LoopLt { a: Reg, b: Reg, by: Jump }
    checks LoopLe { a: Reg, b: Reg, by: Jump }
    checks LoopEq { a: Reg, b: Reg, by: Jump }
    checks LoopNe { a: Reg, b: Reg, by: Jump }
    checks LoopGt { a: Reg, b: Reg, by: Jump }
    checks LoopGe { a: Reg, b: Reg, by: Jump }
    checks LoopLtI { a: Reg, b: Imm, by: Jump }
    checks LoopLeI { a: Reg, b: Imm, by: Jump }
    checks LoopEqI { a: Reg, b: Imm, by: Jump }
    checks LoopNeI { a: Reg, b: Imm, by: Jump }
    checks LoopGtI { a: Reg, b: Imm, by: Jump }
    checks LoopGeI { a: Reg, b: Imm, by: Jump }

    /// R[dst] = iter(R[src])
    plain GetIter { dst: Reg, src: Reg }
    /// Head of a `for`: R[iter..iter+3] = the loop's state. A range becomes (next, left, step), else the iterator.
    plain ForPrep { iter: Reg, src: Reg }
    /// Forward only: R[dst] = next item of the state R[iter..iter+3]; at the end jump. The top of a `for`.
    plain ForEnter { iter: Reg, dst: Reg, by: Jump }
    /// Backward only: R[dst] = next item of the state R[iter..iter+3] and jump; at the end go on. The bottom of a `for`.
    checks ForLoop { iter: Reg, dst: Reg, by: Jump }

    /// R[dst] = R[base](R[base+1] .. R[base+n])
    checks Call { dst: Reg, base: Reg, n: Count }
    /// After LoadMethod into R[base], R[base+1]: arguments are R[base+2] .. R[base+1+n]; n does not count self.
    checks CallMethod { dst: Reg, base: Reg, n: Count }
    /// As Call; constant k is (n, names...): n arguments of which the last ones have these names.
    checks CallKw { dst: Reg, base: Reg, k: K }
    /// As CallMethod with names, n without self.
    checks CallMethodKw { dst: Reg, base: Reg, k: K }
    /// R[dst] = R[base](*R[base+1], **R[base+2]): a list or tuple, a dict or unset.
    checks CallEx { dst: Reg, base: Reg }
    plain Return { src: Reg }
    plain ReturnNone {}
    /// Generators: hands R[src] out; goes on with the value sent in, in R[dst].
    checks Yield { dst: Reg, src: Reg }
    /// R[dst] = result of delegating to the iterator R[iter] (`yield from`, after GetIter).
    checks YieldFrom { dst: Reg, iter: Reg }
    /// R[dst] = the iterator that `await R[src]` delegates to; TypeError.
    plain GetAwaitable { dst: Reg, src: Reg }
    /// R[dst] = R[src].__aiter__(), which has `__anext__`; TypeError.
    plain GetAIter { dst: Reg, src: Reg }
    /// R[dst] = the iterator to delegate to for the next item of R[iter].
    plain GetANext { dst: Reg, iter: Reg }
    /// StopAsyncIteration in R[exc]: the loop is over. Any other exception goes on.
    plain EndAsyncFor { exc: Reg }
    /// R[base] = R[src].__aexit__ (bound), R[dst] = the iterator to delegate to for its `__aenter__()`.
    checks AsyncEnter { dst: Reg, base: Reg, src: Reg }
    /// R[dst] = the iterator to delegate to for R[base](type, R[exc], traceback), three None if R[exc] is unset.
    checks AsyncExit { dst: Reg, base: Reg, exc: Reg }

    /// R[dst] = function of code constant k; R[base] = tuple of defaults or unset, R[base+1] = dict of
    /// keyword-only defaults or unset. Cells come from the registers listed in the code's captures.
    plain MakeFunction { dst: Reg, code: K, base: Reg }
    /// R[dst] = class: R[base] body function, R[base+1] name, R[base+2..base+2+n] bases;
    /// R[base+2+n] dict of keywords or unset. `n` is `Count::SPREAD`: R[base+2] list of bases, then the dict.
    checks BuildClass { dst: Reg, base: Reg, n: Count }
    /// R[dst] = [R[base] .. R[base+n-1]]
    plain BuildList { dst: Reg, base: Reg, n: Count }
    plain BuildTuple { dst: Reg, base: Reg, n: Count }
    plain BuildSet { dst: Reg, base: Reg, n: Count }
    /// R[dst] = {R[base]: R[base+1], ...}, n pairs
    plain BuildDict { dst: Reg, base: Reg, n: Count }
    /// R[dst] = the strings R[base] .. R[base+n-1] joined
    plain BuildStr { dst: Reg, base: Reg, n: Count }
    /// R[dst] = str, repr or ascii (0, 1, 2) of R[src]
    plain Convert { dst: Reg, src: Reg, how: Imm }
    /// R[dst] = format(R[src], R[spec]); an unset spec is "".
    plain Format { dst: Reg, src: Reg, spec: Reg }
    /// R[list].append(R[src]) of a list under construction
    plain ListAppend { list: Reg, src: Reg }
    /// R[list].extend(R[src]). Of a call n is 1 ("Value after * must be an iterable"), or 2 if `*x` is its
    /// only positional argument; then R[list-1] is the function, which the error names.
    plain ListExtend { list: Reg, src: Reg, n: Count }
    plain ListToTuple { dst: Reg, src: Reg }
    plain SetAdd { set: Reg, src: Reg }
    plain SetUpdate { set: Reg, src: Reg }
    /// R[dict].update(R[src]) of a dict display
    plain DictUpdate { dict: Reg, src: Reg }
    /// The same for `**` in a call of R[func]: TypeError on a repeated name or a non-mapping.
    plain DictMerge { dict: Reg, src: Reg, func: Reg }
    /// R[base] .. R[base+n-1] = the n items of R[src]; ValueError
    plain Unpack { src: Reg, base: Reg, n: Count }
    /// `a, *b, c = R[src]`: n is before * 256 + after; the middle is a list.
    plain UnpackEx { src: Reg, base: Reg, n: Count }

    /// raise R[src]
    plain Raise { src: Reg }
    plain RaiseFrom { src: Reg, cause: Reg }
    /// `raise` without operand: the exception being handled; RuntimeError if none.
    plain RaiseBare {}
    /// Goes on raising R[exc] as it was (end of a finally, no except matched).
    plain Reraise { exc: Reg }
    /// R[saved] = the exception being handled; R[exc] becomes it.
    plain EnterHandler { saved: Reg, exc: Reg }
    /// The exception being handled becomes R[saved].
    plain ExitHandler { saved: Reg }
    /// R[dst] = does R[exc] match the class or tuple R[class]; TypeError for others.
    plain MatchExc { dst: Reg, exc: Reg, class: Reg }
    /// R[base] = R[src].__exit__ (bound), R[dst] = R[src].__enter__()
    checks WithEnter { dst: Reg, base: Reg, src: Reg }
    /// R[base](None, None, None)
    checks WithExit { base: Reg }
    /// R[dst] = truth of R[base](type, R[exc], traceback)
    checks WithExitExc { dst: Reg, base: Reg, exc: Reg }
    /// AssertionError; R[msg] unset when there is none.
    plain AssertFail { msg: Reg }
    /// R[dst] = what the failed `assert` with the registers R[base] .. has to tell, after the text of
    /// R[dst] if it is set; constant k (n, head, wheres, pair) says what it shows (compile/explain.rs).
    plain Explain { dst: Reg, base: Reg, k: K }
    /// R[src] is the value of a statement typed at the prompt: unless None it is printed and becomes `_`.
    checks Show { src: Reg }
    /// R[src], which nobody wanted, dies here, and what died before says its last word.
    plain Forget { src: Reg }

    /// R[dst] = module; constant k is (dotted name, level, want): want true gives the last module of a
    /// dotted name (`import a.b as c`, `from`), false the first.
    checks Import { dst: Reg, k: K }
    /// R[dst] = attribute or submodule of the module R[module]; ImportError.
    plain ImportFrom { dst: Reg, module: Reg, name: Site }
    /// All public names of R[module] into the globals.
    plain ImportStar { module: Reg }
    /// A safe point and nothing else (`--safe-points every`).
    checks Check {}
}

const _: () = assert!(size_of::<Instr>() == 8);

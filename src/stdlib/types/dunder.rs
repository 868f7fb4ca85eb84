//! Dunder methods of the builtin types, by name: `super().__getitem__(k)`, `list.__len__`, `int.__add__`.
//!
//! They do what the builtin type itself does (T1). What every object has is in object.rs.

use crate::natives;
use crate::object::{Kind, TypeId, Value};
use crate::vm::make::{float_of, int_of};
use crate::vm::ops::arith::BinOp;
use crate::vm::{Call, NativeRow, Res};

/// A table of dunder methods: the type's name; those without arguments; with one; with two.
macro_rules! table {
    ($table:ident $type:literal; $($zero:ident)*; $($one:ident)*; $($two:ident)*) => {
        natives! { $table, method $type;
            $(#[doc = "What the operator or builtin of this name does."] holds $zero("") = f::$zero;)*
            $(#[doc = "What the operator or builtin of this name does."] holds $one("other, /") = f::$one;)*
            $(#[doc = "What the operator or builtin of this name does."] holds $two("key, value, /") = f::$two;)*
        }
    };
}

table! { INT "int";
    __neg__ __pos__ __invert__ __abs__ __int__ __float__ __index__ __bool__;
    __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __floordiv__ __rfloordiv__
    __mod__ __rmod__ __pow__ __rpow__ __lshift__ __rlshift__ __rshift__ __rrshift__
    __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __divmod__ __rdivmod__;
}
table! { FLOAT "float";
    __neg__ __pos__ __abs__ __int__ __float__ __bool__;
    __add__ __radd__ __sub__ __rsub__ __mul__ __rmul__ __truediv__ __rtruediv__ __floordiv__ __rfloordiv__
    __mod__ __rmod__ __pow__ __rpow__ __divmod__ __rdivmod__;
}
table! { STR "str"; __len__ __iter__; __getitem__ __contains__ __add__ __mul__ __rmul__ __mod__; }
table! { BYTES "bytes"; __len__ __iter__; __getitem__ __contains__ __add__ __mul__ __rmul__ __mod__; }
table! { BYTEARRAY "bytearray";
    __len__ __iter__;
    __getitem__ __delitem__ __contains__ __add__ __mul__ __rmul__ __mod__ __iadd__ __imul__;
    __setitem__
}
table! { TUPLE "tuple"; __len__ __iter__; __getitem__ __contains__ __add__ __mul__ __rmul__; }
table! { LIST "list";
    __len__ __iter__ __reversed__;
    __getitem__ __delitem__ __contains__ __add__ __mul__ __rmul__ __iadd__ __imul__;
    __setitem__
}
table! { DEQUE "deque";
    __len__ __iter__ __reversed__;
    __getitem__ __delitem__ __contains__ __add__ __mul__ __rmul__ __iadd__ __imul__;
    __setitem__
}
table! { DICT "dict";
    __len__ __iter__ __reversed__;
    __getitem__ __delitem__ __contains__ __or__ __ror__ __ior__;
    __setitem__
}
table! { SET "set";
    __len__ __iter__;
    __contains__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __sub__ __rsub__ __iand__ __ior__ __ixor__ __isub__;
}
table! { FROZENSET "frozenset";
    __len__ __iter__;
    __contains__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __sub__ __rsub__;
}
table! { RANGE "range"; __len__ __iter__ __reversed__ __bool__; __getitem__ __contains__; }
table! { KEYS "dict_keys";
    __len__ __iter__ __reversed__;
    __contains__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __sub__ __rsub__;
}
table! { VALUES "dict_values"; __len__ __iter__ __reversed__; ; }
table! { ITEMS "dict_items";
    __len__ __iter__ __reversed__;
    __contains__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __sub__ __rsub__;
}

macro_rules! iterators {
    ($($table:ident $type:literal)*) => {
        $(table! { $table $type; __iter__ __next__; ; })*
        /// The tables of this file.
        pub(super) fn tables() -> Vec<&'static [NativeRow]> {
            vec![
                INT, FLOAT, STR, BYTES, BYTEARRAY, TUPLE, LIST, DEQUE, DICT, SET, FROZENSET, RANGE, KEYS, VALUES, ITEMS,
                $($table),*
            ]
        }
    };
}
iterators! {
    LIST_ITERATOR "list_iterator"
    TUPLE_ITERATOR "tuple_iterator"
    STR_ITERATOR "str_ascii_iterator"
    BYTES_ITERATOR "bytes_iterator"
    RANGE_ITERATOR "range_iterator"
    DICT_KEY_ITERATOR "dict_keyiterator"
    DICT_VALUE_ITERATOR "dict_valueiterator"
    DICT_ITEM_ITERATOR "dict_itemiterator"
    SET_ITERATOR "set_iterator"
    ENUMERATE "enumerate"
    ZIP "zip"
    MAP "map"
    FILTER "filter"
    REVERSED "reversed"
    SEQUENCE_ITERATOR "iterator"
    CALLABLE_ITERATOR "callable_iterator"
    LONG_RANGE_ITERATOR "longrange_iterator"
    DEQUE_ITERATOR "_deque_iterator"
    DEQUE_REVERSE_ITERATOR "_deque_reverse_iterator"
    COUNT "count"
    REPEAT "repeat"
    CYCLE "cycle"
    CHAIN "chain"
    ACCUMULATE "accumulate"
    COMPRESS "compress"
    DROPWHILE "dropwhile"
    TAKEWHILE "takewhile"
    FILTERFALSE "filterfalse"
    STARMAP "starmap"
    ISLICE "islice"
    PAIRWISE "pairwise"
    ZIP_LONGEST "zip_longest"
    PRODUCT "product"
    PERMUTATIONS "permutations"
    COMBINATIONS "combinations"
    COMBINATIONS_WITH_REPLACEMENT "combinations_with_replacement"
    GROUPBY "groupby"
    GROUPER "_grouper"
    TEE "_tee"
}

/// The functions, named like the methods.
mod f {
    use super::*;

    /// A number leaves what is not of its own or a narrower type to the other operand.
    pub(super) fn foreign(a: &Value, b: &Value) -> bool {
        (int_of(a).is_some() && int_of(b).is_none())
            || (float_of(a).is_some() && int_of(b).is_none() && float_of(b).is_none())
    }

    /// Sequences refuse a wrong operand of `+` and `*` at once; all else says NotImplemented.
    fn answer(c: &mut Call, out: Option<Value>, op: BinOp) -> Res<Value> {
        if let Some(v) = out {
            return Ok(v);
        }
        let (a, b) = (c.arg(0), c.arg(1));
        let kind = a.as_ref().map(|r| r.kind());
        let row =
            matches!(kind, Some(Kind::Str | Kind::Bytes | Kind::ByteArray | Kind::List | Kind::Tuple | Kind::Deque));
        match op {
            BinOp::Mul if row => c.index(&b),
            BinOp::Add if row => return c.binary(op, &a, &b),
            _ => Ok(0),
        }?;
        Ok(crate::stdlib::types::not_implemented(c))
    }

    macro_rules! binaries {
        ($($name:ident $reflected:ident $op:ident;)*) => {$(
            pub(super) fn $name(c: &mut Call) -> Res<Value> {
                let (a, b) = (c.arg(0), c.arg(1));
                let out = if foreign(&a, &b) { None } else { c.base_binary(BinOp::$op, &a, &b)? };
                answer(c, out, BinOp::$op)
            }
            pub(super) fn $reflected(c: &mut Call) -> Res<Value> {
                let (a, b) = (c.arg(0), c.arg(1));
                let out = if foreign(&a, &b) { None } else { c.base_binary(BinOp::$op, &b, &a)? };
                answer(c, out, BinOp::$op)
            }
        )*};
    }
    binaries! {
        __add__ __radd__ Add;
        __sub__ __rsub__ Sub;
        __mul__ __rmul__ Mul;
        __truediv__ __rtruediv__ Div;
        __floordiv__ __rfloordiv__ FloorDiv;
        __mod__ __rmod__ Mod;
        __pow__ __rpow__ Pow;
        __lshift__ __rlshift__ Shl;
        __rshift__ __rrshift__ Shr;
        __and__ __rand__ BitAnd;
        __or__ __ror__ BitOr;
        __xor__ __rxor__ BitXor;
    }

    macro_rules! inplaces {
        ($($name:ident $op:ident;)*) => {$(
            pub(super) fn $name(c: &mut Call) -> Res<Value> {
                let (a, b) = (c.arg(0), c.arg(1));
                let out = c.base_inplace(BinOp::$op, &a, &b)?;
                answer(c, out, BinOp::$op)
            }
        )*};
    }
    inplaces! {
        __iadd__ Add;
        __imul__ Mul;
        __iand__ BitAnd;
        __ior__ BitOr;
        __ixor__ BitXor;
        __isub__ Sub;
    }

    pub(super) fn __divmod__(c: &mut Call) -> Res<Value> {
        let (a, b) = (c.arg(0), c.arg(1));
        if foreign(&a, &b) {
            return Ok(crate::stdlib::types::not_implemented(c));
        }
        c.divmod(&a, &b)
    }
    pub(super) fn __rdivmod__(c: &mut Call) -> Res<Value> {
        let (a, b) = (c.arg(0), c.arg(1));
        if foreign(&a, &b) {
            return Ok(crate::stdlib::types::not_implemented(c));
        }
        c.divmod(&b, &a)
    }
    pub(super) fn __neg__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        c.negative(&v)
    }
    pub(super) fn __pos__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        c.positive(&v)
    }
    pub(super) fn __invert__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        c.invert(&v)
    }
    pub(super) fn __abs__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        c.absolute(&v)
    }
    pub(super) fn __int__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        c.to_int(&v)
    }
    pub(super) fn __index__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        c.to_int(&v)
    }
    pub(super) fn __float__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        Ok(Value::float(c.to_float(&v)?))
    }
    pub(super) fn __bool__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        Ok(Value::bool(c.truth(&v)?))
    }

    pub(super) fn __len__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        let n = v.as_ref().and_then(|r| c.base_length(r));
        Ok(Value::Int(n.unwrap_or(0) as i64))
    }
    pub(super) fn __iter__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        c.base_iter(&v)
    }
    pub(super) fn __next__(c: &mut Call) -> Res<Value> {
        let it = c.arg(0);
        if !it.as_ref().is_some_and(|r| r.kind() == Kind::Iter) {
            let got = c.type_name(&it);
            return Err(c.type_error(format!("'{got}' object is not an iterator")));
        }
        match c.next(&it)? {
            Some(v) => Ok(v),
            None => Err(c.raise_with(TypeId::StopIteration, Vec::new())),
        }
    }
    pub(super) fn __reversed__(c: &mut Call) -> Res<Value> {
        let v = c.arg(0);
        c.base_reversed(&v)
    }
    pub(super) fn __getitem__(c: &mut Call) -> Res<Value> {
        let (v, key) = (c.arg(0), c.arg(1));
        c.base_get_item(&v, &key)
    }
    pub(super) fn __setitem__(c: &mut Call) -> Res<Value> {
        let (v, key, to) = (c.arg(0), c.arg(1), c.arg(2));
        c.base_set_item(&v, &key, to)?;
        Ok(Value::None)
    }
    pub(super) fn __delitem__(c: &mut Call) -> Res<Value> {
        let (v, key) = (c.arg(0), c.arg(1));
        c.base_del_item(&v, &key)?;
        Ok(Value::None)
    }
    pub(super) fn __contains__(c: &mut Call) -> Res<Value> {
        let (v, item) = (c.arg(0), c.arg(1));
        Ok(Value::bool(c.base_contains(&v, &item)?))
    }
}

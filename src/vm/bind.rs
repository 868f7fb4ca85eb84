//! Arguments to parameters: binding a call's arguments to a script function's registers.

use super::thread::{Raised, Res, Thread};
use crate::object::code::CodeObj;
use crate::object::dict::Dict;
use crate::object::function::Function;
use crate::object::{Name, Ref, TypeId, Value};

/// More named arguments, or keyword-only parameters, than this are bound by way of rows.
const PLACES_MAX: usize = 8;

/// Which parameters the named ones of `n` arguments belong to; `None` if there is anything unusual about the call:
/// too many arguments or too few, two for one parameter, names for `**`.
fn places(code: &CodeObj, n: u32, kw: &[Name], defaults: &Value) -> Option<[usize; PLACES_MAX]> {
    let p = &code.code.params;
    let (positional, nameable) = (p.positional as usize, (p.positional + p.kwonly) as usize);
    let given = n as usize - kw.len();
    if p.double_star || kw.len() > PLACES_MAX || p.kwonly as usize > PLACES_MAX || (given > positional && !p.star) {
        return None;
    }
    let mut places = [usize::MAX; PLACES_MAX];
    for (i, name) in kw.iter().enumerate() {
        let place = code.params[..nameable].iter().position(|x| x == name)?;
        if place < given.max(p.posonly as usize) || places.contains(&place) {
            return None;
        }
        places[i] = place;
    }
    let row = super::make::tuple_items(defaults).map_or(0, <[Value]>::len);
    let first = positional - row.min(positional);
    (given..first).all(|i| places.contains(&i)).then_some(places)
}

impl Thread {
    /// The `n` arguments at stack index `at`, of which the last `kw.len()` are named, become the
    /// parameters of `func` in registers `at..`. The registers exist.
    pub(super) fn bind(&mut self, func: &Ref, at: u32, n: u32, kw: &[Name]) -> Res<()> {
        let (code, defaults, kwdefaults) =
            func.with::<Function, _>(&self.held, |f| (f.code.clone(), f.defaults.clone(), f.kwdefaults.clone()));
        let code = code.frozen::<CodeObj>();
        if code.code.flags.class_body {
            // Its one argument, the namespace, lies in register 0 already.
            return Ok(());
        }
        let p = &code.code.params;
        let positional = p.positional as usize;
        if kw.is_empty() && p.kwonly == 0 && !p.star && !p.double_star && n as usize <= positional {
            return self.fill_defaults(func, code, at, n as usize, &defaults);
        }
        if let Some(places) = places(code, n, kw, &defaults)
            && self.bind_in_place(code, at, n, &places[..kw.len()], &defaults, &kwdefaults)
        {
            return Ok(());
        }
        let mut args: Vec<Value> = (at..at + n).map(|i| self.take_reg(i)).collect();
        let named = args.split_off(n as usize - kw.len());
        let mut bound: Vec<Value> = Vec::new();
        bound.resize_with(p.names.len(), || Value::Unbound);
        let given = args.len();
        let surplus = if given > positional { args.split_off(positional) } else { Vec::new() };
        for (place, v) in bound.iter_mut().zip(args) {
            *place = v;
        }
        let mut extra: Vec<(Name, Value)> = Vec::new();
        let nameable = positional + p.kwonly as usize;
        for (name, v) in kw.iter().zip(named) {
            match code.params[..nameable].iter().position(|x| x == name) {
                Some(i) if i >= p.posonly as usize => {
                    if !bound[i].is_unbound() {
                        return Err(self.bad_call(func, format!("got multiple values for argument '{name}'")));
                    }
                    bound[i] = v;
                }
                Some(_) if !p.double_star => {
                    let given = code.params[..p.posonly as usize].iter().filter(|n| kw.contains(n));
                    let names: Vec<&str> = given.map(|n| n.text()).collect();
                    let names = names.join(", ");
                    return Err(self.bad_call(
                        func,
                        format!("got some positional-only arguments passed as keyword arguments: '{names}'"),
                    ));
                }
                _ if p.double_star => extra.push((*name, v)),
                _ => {
                    return Err(self.bad_call(func, format!("got an unexpected keyword argument '{name}'")));
                }
            }
        }
        if !surplus.is_empty() && !p.star {
            return Err(self.too_many_arguments(func, code, given, &defaults, &bound));
        }
        self.complete(func, code, &mut bound, &defaults, &kwdefaults)?;
        let mut next = nameable;
        if p.star {
            bound[next] = self.tuple(surplus);
            next += 1;
        }
        if p.double_star {
            bound[next] = self.names_dict(extra);
        }
        for (i, v) in bound.into_iter().enumerate() {
            self.set_reg(at + i as u32, v);
        }
        Ok(())
    }

    /// Puts arguments to their `places`, without a row of them in between. False, and nothing has moved, if a
    /// keyword-only parameter is left without a value.
    fn bind_in_place(
        &mut self,
        code: &CodeObj,
        at: u32,
        n: u32,
        places: &[usize],
        defaults: &Value,
        kwdefaults: &Value,
    ) -> bool {
        let p = &code.code.params;
        let (positional, nameable) = (p.positional as usize, (p.positional + p.kwonly) as usize);
        let mut only: [Value; PLACES_MAX] = [const { Value::Unbound }; PLACES_MAX];
        for i in (positional..nameable).filter(|i| !places.contains(i)) {
            match self.keyword_default(kwdefaults, i - positional, code.params[i]) {
                Some(v) => only[i - positional] = v,
                None => return false,
            }
        }
        let given = n as usize - places.len();
        let mut named: [Value; PLACES_MAX] = [const { Value::Unbound }; PLACES_MAX];
        for (i, v) in named.iter_mut().take(places.len()).enumerate() {
            *v = self.take_reg(at + (given + i) as u32);
        }
        if p.star {
            let surplus = (positional..given).map(|i| self.take_reg(at + i as u32)).collect();
            let surplus = self.tuple(surplus);
            self.set_reg(at + nameable as u32, surplus);
        }
        for (i, v) in (positional..nameable).zip(only) {
            self.set_reg(at + i as u32, v);
        }
        for (i, v) in places.iter().zip(named) {
            self.set_reg(at + *i as u32, v);
        }
        let row = super::make::tuple_items(defaults).unwrap_or(&[]);
        for i in (given..positional).filter(|i| !places.contains(i)) {
            self.set_reg(at + i as u32, row[i + row.len() - positional].clone());
        }
        true
    }

    /// The parameters of `func` for these arguments, as a call would bind them.
    pub fn bound(&mut self, func: &Ref, args: Vec<Value>, kw: Vec<(Name, Value)>) -> Res<Vec<Value>> {
        let code = func.with::<Function, _>(&self.held, |f| f.code.clone());
        let params = code.frozen::<CodeObj>().code.params.names.len();
        let (at, n) = (self.top, (args.len() + kw.len()) as u32);
        if !self.reserve(at + n.max(params as u32) + 1) {
            return Err(self.raise(TypeId::RecursionError, "maximum recursion depth exceeded"));
        }
        let names: Vec<Name> = kw.iter().map(|(n, _)| *n).collect();
        for (i, v) in args.into_iter().chain(kw.into_iter().map(|(_, v)| v)).enumerate() {
            self.set_reg(at + i as u32, v);
        }
        let done = self.bind(func, at, n, &names);
        let bound = (0..params as u32).map(|i| self.take_reg(at + i)).collect();
        self.unset(at, at + n);
        done.map(|()| bound)
    }

    /// Positional arguments in place; the missing ones come from the defaults.
    fn fill_defaults(&mut self, func: &Ref, code: &CodeObj, at: u32, n: usize, defaults: &Value) -> Res<()> {
        let positional = code.code.params.positional as usize;
        let row = super::make::tuple_items(defaults).unwrap_or(&[]);
        if n + row.len() < positional {
            let missing: Vec<Name> = code.params[n..positional - row.len()].to_vec();
            return Err(self.missing(func, &missing, "positional"));
        }
        for i in n..positional {
            self.set_reg(at + i as u32, row[i + row.len() - positional].clone());
        }
        Ok(())
    }

    /// Defaults for what is still unset, positional and keyword-only.
    fn complete(
        &mut self,
        func: &Ref,
        code: &CodeObj,
        bound: &mut [Value],
        defaults: &Value,
        kwdefaults: &Value,
    ) -> Res<()> {
        let p = &code.code.params;
        let positional = p.positional as usize;
        let row = super::make::tuple_items(defaults).unwrap_or(&[]);
        let first = positional - row.len().min(positional);
        let mut missing = Vec::new();
        for i in 0..positional {
            if bound[i].is_unbound() {
                if i >= first { bound[i] = row[i - first].clone() } else { missing.push(code.params[i]) }
            }
        }
        if !missing.is_empty() {
            return Err(self.missing(func, &missing, "positional"));
        }
        for (place, name) in bound.iter_mut().zip(&code.params).skip(positional).take(p.kwonly as usize) {
            if place.is_unbound() {
                match self.keyword_default(kwdefaults, 0, *name) {
                    Some(v) => *place = v,
                    None => missing.push(*name),
                }
            }
        }
        if missing.is_empty() { Ok(()) } else { Err(self.missing(func, &missing, "keyword-only")) }
    }

    /// The default of a keyword-only parameter, which is probably the one of this number.
    fn keyword_default(&self, kwdefaults: &Value, probably: usize, name: Name) -> Option<Value> {
        let Value::Obj(d) = kwdefaults else {
            return None;
        };
        d.with::<Dict, _>(&self.held, |d| {
            let right = |(k, _): &(&Value, &Value)| super::make::text(k) == Some(name.text());
            let found = d.table.iter().nth(probably).filter(right).or_else(|| d.table.iter().find(right));
            found.map(|(_, v)| v.clone())
        })
    }

    #[cold]
    fn bad_call(&mut self, func: &Ref, what: String) -> Raised {
        let name = func.with::<Function, _>(&self.held, |f| f.qualname.clone());
        self.type_error(format!("{name}() {what}"))
    }

    #[cold]
    fn missing(&mut self, func: &Ref, names: &[Name], kind: &str) -> Raised {
        let quoted: Vec<String> = names.iter().map(|n| format!("'{n}'")).collect();
        let list = match quoted.as_slice() {
            [one] => one.clone(),
            [a, b] => format!("{a} and {b}"),
            [most @ .., last] => format!("{}, and {last}", most.join(", ")),
            [] => String::new(),
        };
        let s = if names.len() == 1 { "" } else { "s" };
        self.bad_call(func, format!("missing {} required {kind} argument{s}: {list}", names.len()))
    }

    #[cold]
    fn too_many_arguments(
        &mut self,
        func: &Ref,
        code: &CodeObj,
        given: usize,
        defaults: &Value,
        bound: &[Value],
    ) -> Raised {
        let p = &code.code.params;
        let positional = p.positional as usize;
        let optional = super::make::tuple_items(defaults).map_or(0, <[Value]>::len);
        let takes = if optional > 0 {
            format!("from {} to {positional}", positional - optional)
        } else {
            positional.to_string()
        };
        let plural = if positional == 1 && optional == 0 { "" } else { "s" };
        let named = bound[positional..positional + p.kwonly as usize].iter().filter(|v| !v.is_unbound()).count();
        let and = if named > 0 {
            let s = if named == 1 { "" } else { "s" };
            let gs = if given == 1 { "" } else { "s" };
            format!(" positional argument{gs} (and {named} keyword-only argument{s})")
        } else {
            String::new()
        };
        let were = if given == 1 && named == 0 { "was" } else { "were" };
        self.bad_call(func, format!("takes {takes} positional argument{plural} but {given}{and} {were} given"))
    }
}

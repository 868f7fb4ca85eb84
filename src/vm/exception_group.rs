//! Exception groups: making them, and the part of one that belongs to some of its leaves.
//!
//! The message and the exceptions are fields of the exception object (`Exception::extra`). Source of the rules
//! and texts: CPython 3.11's `exceptions.c`.

use super::make::{text, tuple_items};
use super::thread::{Res, Thread};
use crate::object::exception::Exception;
use crate::object::{Name, Ref, TypeId, Value, name};

pub const MESSAGE: &str = "message";
pub const EXCEPTIONS: &str = "exceptions";

impl Thread {
    /// Is it an exception group, or a class of them?
    pub fn is_group(&self, v: &Value) -> bool {
        self.is_a(v, TypeId::BaseExceptionGroup)
    }

    /// An object of a class of exceptions; a group is made of its arguments at once.
    pub fn new_exception_of(&mut self, class: &Ref, args: &[Value]) -> Res<Value> {
        let v = self.new_object(class)?;
        if !self.is_group(&v) {
            return Ok(v);
        }
        let (made, items) = self.group_parts(class, args)?;
        let v = match made {
            Some(t) => self.new_exception(t, Vec::new()),
            None => v,
        };
        let items = self.tuple(items);
        if let Value::Obj(r) = &v {
            let fields = vec![(Name::of(MESSAGE), args[0].clone()), (Name::of(EXCEPTIONS), items)];
            let given = self.tuple(args.to_vec());
            r.with::<Exception, _>(&self.held, |e| (e.extra, e.args) = (fields, given));
        }
        Ok(v)
    }

    /// The exceptions that a group of this class is made of, and the class that it gets instead.
    fn group_parts(&mut self, class: &Ref, args: &[Value]) -> Res<(Option<TypeId>, Vec<Value>)> {
        let [message, given] = args else {
            let n = args.len();
            return Err(self.type_error(format!("BaseExceptionGroup.__new__() takes exactly 2 arguments ({n} given)")));
        };
        if text(message).is_none() {
            let got = if message.is_none() { "None" } else { self.type_name(message) };
            return Err(self.type_error(format!("BaseExceptionGroup.__new__() argument 1 must be str, not {got}")));
        }
        let sequences = [TypeId::List, TypeId::Tuple, TypeId::Str, TypeId::Bytes, TypeId::ByteArray, TypeId::Range];
        let is_sequence = sequences.iter().any(|t| self.is_a(given, *t));
        if !is_sequence && !self.has_special(given, name::GETITEM) {
            return Err(self.type_error("second argument (exceptions) must be a sequence"));
        }
        let items = self.collect(given)?;
        if items.is_empty() {
            return Err(self.value_error("second argument (exceptions) must be a non-empty sequence"));
        }
        for (at, e) in items.iter().enumerate() {
            if !self.is_a(e, TypeId::BaseException) {
                return Err(self.value_error(format!("Item {at} of second argument (exceptions) is not an exception")));
            }
        }
        let nested_base = items.iter().any(|e| !self.is_a(e, TypeId::Exception));
        let own = self.type_id(class);
        if own == Some(TypeId::BaseExceptionGroup) {
            return Ok(((!nested_base).then_some(TypeId::ExceptionGroup), items));
        }
        let plain = self.interp.class(&self.held, TypeId::Exception).clone();
        if nested_base && self.is_subclass(class, &plain) {
            let n = self.class_name(class);
            let text = match own {
                Some(_) => "Cannot nest BaseExceptions in an ExceptionGroup".to_string(),
                None => format!("Cannot nest BaseExceptions in '{n}'"),
            };
            return Err(self.type_error(text));
        }
        Ok((None, items))
    }

    /// The exceptions of a group; `None`: it is none.
    pub fn group_members(&self, e: &Value) -> Option<Vec<Value>> {
        let Value::Obj(r) = e else { return None };
        if !self.is_group(e) {
            return None;
        }
        let field = |x: &mut Exception| x.extra.iter().find(|(n, _)| n.text() == EXCEPTIONS).map(|(_, v)| v.clone());
        let members = r.try_with::<Exception, _>(&self.held, field)??;
        tuple_items(&members).map(<[Value]>::to_vec)
    }

    /// A group like this one of these exceptions, with its cause, context, notes and traceback.
    pub fn group_subset(&mut self, of: &Value, members: Vec<Value>) -> Res<Value> {
        if members.is_empty() {
            return Ok(Value::None);
        }
        let members = self.list(members);
        let made = self.call_method(of, Name::of("derive"), &[members])?;
        if !self.is_group(&made) {
            return Err(self.type_error("derive must return an instance of BaseExceptionGroup"));
        }
        if let (Value::Obj(from), Value::Obj(to)) = (of, &made) {
            let (trail, cause, context, notes) = from.with::<Exception, _>(&self.held, |e| {
                (e.trail.clone(), e.cause.clone(), e.context.clone(), e.notes.clone())
            });
            let notes = if notes.is_none() {
                notes
            } else {
                let items = self.collect(&notes)?;
                self.list(items)
            };
            let old = to.with::<Exception, _>(&self.held, |e| {
                e.trail = trail;
                e.suppress_context |= !cause.is_none();
                let old = (std::mem::replace(&mut e.cause, cause), std::mem::replace(&mut e.context, context));
                (old, std::mem::replace(&mut e.notes, notes))
            });
            drop(old);
        }
        Ok(made)
    }
}

//! Bodies of library functions that are compiled when their function is first called: a module of a thousand
//! lines of which a script calls two functions costs its outline and these two.
//!
//! Only with the lock on: then a function's code changes once, while its holder has the lock, from an
//! incomplete one that is never run to the whole one.

use super::thread::{Res, Thread};
use crate::object::code::CodeObj;
use crate::object::function::Function;
use crate::object::{Ref, TypeId, Value};

impl Thread {
    /// The code of a function, whole.
    pub(super) fn whole_code(&mut self, f: &Ref) -> Res<Ref> {
        let code = f.with::<Function, _>(&self.held, |f| f.code.clone());
        if code.frozen::<CodeObj>().code.late.is_none() {
            return Ok(code);
        }
        let whole = self.whole_of(&code)?;
        let doc = whole.frozen::<CodeObj>().code.doc.as_ref().map_or(Value::None, |d| self.str(d));
        let old = f.with::<Function, _>(&self.held, |f| {
            f.code = whole.clone();
            if f.doc.is_none() { std::mem::replace(&mut f.doc, doc) } else { doc }
        });
        drop(old);
        Ok(whole)
    }

    /// This code, with its body.
    pub fn whole_of(&mut self, code: &Ref) -> Res<Ref> {
        let obj = code.frozen::<CodeObj>();
        if obj.code.late.is_none() {
            return Ok(code.clone());
        }
        if let Some(whole) = obj.whole.get() {
            return Ok(whole.clone());
        }
        match self.interp.importer.complete(&obj.code) {
            Ok(plain) => {
                let bound = self.bind_code(&plain, &obj.module);
                Ok(obj.whole.get_or_init(|| bound).clone())
            }
            Err(why) => Err(self.raise(TypeId::SystemError, format!("the library's own text: {why}"))),
        }
    }
}

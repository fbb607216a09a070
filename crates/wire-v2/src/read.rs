//! Taking objects apart: names that may be several, scalars that may be numbers or texts, lists that may be objects
//! with indices for keys. What does not fit is named by its path.

use incoming_leads_model::id::InvalidId;
use incoming_leads_model::limits::MAX_SAFE_INTEGER;
use incoming_leads_model::{Further, Moment};
use serde_json::{Map, Value};

use crate::form;
use crate::problem::{Fault, code};

/// An object of the wire, and where it stands. What is taken out of it is gone, so that what nobody takes remains.
#[derive(Debug)]
pub(crate) struct Object {
    path: String,
    fields: Map<String, Value>,
}

impl Object {
    pub(crate) fn root(fields: Map<String, Value>) -> Self {
        Self { path: String::new(), fields }
    }

    /// The object at this path. PHP writes an empty object as an empty list.
    pub(crate) fn at(path: String, value: Value) -> Result<Self, Fault> {
        match value {
            Value::Object(fields) => Ok(Self { path, fields }),
            Value::Array(members) if members.is_empty() => Ok(Self { path, fields: Map::new() }),
            _ => Err(Fault::new(code::INVALID_TYPE, path, "an object is due here")),
        }
    }

    /// The object; an empty one where the value is none.
    pub(crate) fn lenient(value: Value) -> Self {
        match value {
            Value::Object(fields) => Self::root(fields),
            _ => Self::root(Map::new()),
        }
    }

    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// The path of a key of this object.
    pub(crate) fn within(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// What nobody took.
    pub(crate) fn rest(self) -> Further {
        self.fields
    }

    /// The value under the first of these names that is there, with its path. Null is absent.
    pub(crate) fn take(&mut self, names: &[&str]) -> Option<(String, Value)> {
        for name in names {
            match self.fields.remove(*name) {
                None | Some(Value::Null) => {}
                Some(value) => return Some((self.within(name), value)),
            }
        }
        None
    }

    pub(crate) fn value(&mut self, name: &str) -> Option<Value> {
        self.take(&[name]).map(|(_, value)| value)
    }

    /// A text; a number is read as its canonical text.
    pub(crate) fn text(&mut self, names: &[&str]) -> Result<Option<String>, Fault> {
        self.take(names).map(|(path, value)| text(path, value)).transpose()
    }

    /// A whole number, also as a text of digits, also written `1.0` or `1e3`.
    pub(crate) fn whole(&mut self, names: &[&str]) -> Result<Option<u64>, Fault> {
        self.take(names).map(|(path, value)| whole(path, &value)).transpose()
    }

    pub(crate) fn moment(&mut self, names: &[&str]) -> Result<Option<Moment>, Fault> {
        let Some((path, value)) = self.take(names) else { return Ok(None) };
        let secs = i64::try_from(whole(path.clone(), &value)?).unwrap_or(i64::MAX);
        let moment = Moment::from_secs(secs);
        moment.map(Some).map_err(|error| Fault::new(code::OUT_OF_RANGE, path, error.to_string()))
    }

    pub(crate) fn id<I: TryFrom<u64, Error = InvalidId>>(
        &mut self,
        names: &[&str],
    ) -> Result<Option<I>, Fault> {
        self.take(names).map(|(path, value)| id(path, &value)).transpose()
    }

    /// An id, where 0 stands for nobody.
    pub(crate) fn id_or_zero<I: TryFrom<u64, Error = InvalidId>>(
        &mut self,
        names: &[&str],
    ) -> Result<Option<I>, Fault> {
        match self.take(names) {
            Some((path, value)) if whole(path.clone(), &value)? != 0 => id(path, &value).map(Some),
            _ => Ok(None),
        }
    }

    pub(crate) fn object(&mut self, names: &[&str]) -> Result<Option<Object>, Fault> {
        self.take(names).map(|(path, value)| Object::at(path, value)).transpose()
    }

    /// The members of a list, each with its path; none where there is no list.
    pub(crate) fn list(&mut self, names: &[&str]) -> Result<Vec<(String, Value)>, Fault> {
        Ok(self.list_if_there(names)?.unwrap_or_default())
    }

    /// The members of a list, each with its path.
    pub(crate) fn list_if_there(&mut self, names: &[&str]) -> Result<Option<Vec<(String, Value)>>, Fault> {
        self.take(names).map(|(path, value)| list(&path, value)).transpose()
    }

    /// The members of a list, each as what `read` makes of the object that it is.
    pub(crate) fn objects<T>(
        &mut self,
        names: &[&str],
        read: impl Fn(Object) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let members = self.list(names)?.into_iter();
        members.map(|(path, value)| read(Object::at(path, value)?)).collect()
    }
}

/// The members of a list. PHP turns a list with gaps into an object whose keys are the indices.
pub(crate) fn list(path: &str, value: Value) -> Result<Vec<(String, Value)>, Fault> {
    let refused = |key: &str| {
        let detail = format!("a list is due here; its indices are whole numbers up to {}", form::MAX_INDEX);
        let at = if key.is_empty() { path.to_owned() } else { format!("{path}.{key}") };
        Fault::new(code::INVALID_TYPE, at, detail)
    };
    let members = match value {
        Value::Array(members) => (0..).zip(members).collect(),
        Value::Object(fields) => {
            let mut members = Vec::with_capacity(fields.len());
            for (key, value) in fields {
                let index = form::index(&key);
                let index = index.ok_or_else(|| refused(&key[..key.floor_char_boundary(64)]))?;
                members.push((index, value));
            }
            members.sort_by_key(|(index, _)| *index);
            members
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return Err(refused("")),
    };
    Ok(members.into_iter().map(|(index, value)| (format!("{path}.{index}"), value)).collect())
}

pub(crate) fn text(path: String, value: Value) -> Result<String, Fault> {
    match value {
        Value::String(text) => Ok(text),
        Value::Number(number) if number.is_u64() || number.is_i64() => Ok(number.to_string()),
        // Beyond 2^53 the digits that were sent are no longer known.
        Value::Number(number) => match number.as_f64() {
            Some(number) if number.abs() <= MAX_SAFE_INTEGER as f64 => Ok(number.to_string()),
            _ => {
                let detail = "this number is too large to be kept exactly; send it as a text";
                Err(Fault::new(code::INVALID_TYPE, path, detail))
            }
        },
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            Err(Fault::new(code::INVALID_TYPE, path, "a text is due here"))
        }
    }
}

pub(crate) fn whole(path: String, value: &Value) -> Result<u64, Fault> {
    let number = match value {
        Value::Number(number) => number.as_u64().or_else(|| number.as_f64().and_then(of_float)),
        Value::String(text) => digits(text),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    };
    number.ok_or_else(|| {
        let detail = format!("a whole number from 0 to {MAX_SAFE_INTEGER} is due here");
        Fault::new(code::INVALID_TYPE, path, detail)
    })
}

fn of_float(number: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number from 0 to 2^53 - 1 is exact in both"
    )]
    let exact = number as u64;
    (number >= 0.0 && number <= MAX_SAFE_INTEGER as f64 && number.fract() == 0.0).then_some(exact)
}

/// Reads a text of digits and nothing else; the parser of the standard library also takes a sign.
pub(crate) fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

pub(crate) fn id<I: TryFrom<u64, Error = InvalidId>>(path: String, value: &Value) -> Result<I, Fault> {
    let number = whole(path.clone(), value)?;
    I::try_from(number).map_err(|error| Fault::new(code::OUT_OF_RANGE, path, error.to_string()))
}

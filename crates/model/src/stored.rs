//! Reading what a store has kept, which a newer program may have written.
//!
//! People's documents are read strictly: a key that nobody knows is a typo. A stored body is not written by people. While
//! a newer program runs beside an older one, a field that the newer one adds must not make the row damage to the older.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "the kinds of a JSON value are not ours, and none is missing"
)]

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, VariantAccess,
    Visitor,
};
use serde::forward_to_deserialize_any;
use serde_json::{Error, Value};

/// What a body says; fields that this program does not know are passed over.
///
/// A body without such fields, as nearly all are, is read in one go.
///
/// # Errors
/// What is wrong with it beside those fields.
pub fn read<T: DeserializeOwned>(body: &str) -> Result<T, Error> {
    serde_json::from_str(body).or_else(|error| match serde_json::from_str(body) {
        Ok(value) => T::deserialize(Known(value)),
        Err(_) => Err(error),
    })
}

/// A value of which each struct is shown the fields that it knows.
struct Known(Value);

impl Known {
    fn of_struct<'de, V: Visitor<'de>>(self, fields: &[&str], visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Object(mut map) => {
                map.retain(|key, _| fields.contains(&key.as_str()));
                Known(Value::Object(map)).deserialize_any(visitor)
            }
            other => Known(other).deserialize_any(visitor),
        }
    }
}

impl IntoDeserializer<'_, Error> for Known {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for Known {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Array(values) => {
                let mut values = SeqDeserializer::new(values.into_iter().map(Known));
                let read = visitor.visit_seq(&mut values)?;
                values.end()?;
                Ok(read)
            }
            Value::Object(map) => {
                let mut fields =
                    MapDeserializer::new(map.into_iter().map(|(key, value)| (key, Known(value))));
                let read = visitor.visit_map(&mut fields)?;
                fields.end()?;
                Ok(read)
            }
            scalar => scalar.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            value => visitor.visit_some(Known(value)),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.of_struct(fields, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (name, payload) = match self.0 {
            Value::String(name) => (name, None),
            Value::Object(map) if map.len() == 1 => match map.into_iter().next() {
                Some((name, payload)) => (name, Some(Known(payload))),
                None => return Err(Error::custom("a variant has no name")),
            },
            _ => return Err(Error::custom("a variant is a name, or an object with one key")),
        };
        visitor.visit_enum(Variant { name, payload })
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// A variant by its name, with what it holds.
struct Variant {
    name: String,
    payload: Option<Known>,
}

impl<'de> EnumAccess<'de> for Variant {
    type Error = Error;
    type Variant = Payload;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Payload), Error> {
        let name: serde::de::value::StringDeserializer<Error> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Payload(self.payload)))
    }
}

/// What a variant holds, if it holds something.
struct Payload(Option<Known>);

impl Payload {
    fn get(self) -> Result<Known, Error> {
        self.0.ok_or_else(|| Error::custom("a variant holds nothing"))
    }
}

impl<'de> VariantAccess<'de> for Payload {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        match self.0 {
            None | Some(Known(Value::Null)) => Ok(()),
            Some(_) => Err(Error::custom("a variant holds something")),
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Error> {
        seed.deserialize(self.get()?)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.get()?.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.get()?.of_struct(fields, visitor)
    }
}

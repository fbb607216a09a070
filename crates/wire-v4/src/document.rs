//! How a document of the wire is read: scalars that take numbers as text and text as numbers, and objects.

use std::fmt;
use std::marker::PhantomData;

use incoming_leads_model::limits::{
    MAX_BATCH_ITEMS, MAX_CUSTOM_FIELDS, MAX_FIELD_VALUES, MAX_SAFE_INTEGER, MAX_TAGS,
};
use serde::de::{Deserialize, Deserializer, Error, IgnoredAny, SeqAccess, Unexpected, Visitor};

/// A text. A number is read as its canonical text: `14155551234` is `"14155551234"`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text(pub(crate) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_str<E>(self, text: &str) -> Result<Text, E> {
                Ok(Text(text.to_owned()))
            }

            fn visit_string<E>(self, text: String) -> Result<Text, E> {
                Ok(Text(text))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            fn visit_i64<E>(self, number: i64) -> Result<Text, E> {
                Ok(Text(number.to_string()))
            }

            /// Beyond 2^53 the digits that were sent are no longer known.
            fn visit_f64<E: Error>(self, number: f64) -> Result<Text, E> {
                if number.abs() > MAX_SAFE_INTEGER as f64 {
                    return Err(E::custom("this number is too large to be kept exactly; send it as a text"));
                }
                Ok(Text(number.to_string()))
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// A whole number, also as a text of digits, also written `1.0` or `1e3`. How large it may be is for ids, moments and
/// the model to say, by the path; where a number is no longer exact, above 2^53 - 1 written with a fraction or an
/// exponent, it is none.
///
/// JSON knows one kind of number, so a number without a fraction is whole however it is spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Whole(pub(crate) u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Whole;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a whole number from 0 to {MAX_SAFE_INTEGER}")
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Whole, E> {
                Ok(Whole(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Whole, E> {
                match u64::try_from(number) {
                    Ok(number) => self.visit_u64(number),
                    Err(_) => Err(E::invalid_value(Unexpected::Signed(number), &self)),
                }
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Whole, E> {
                if number < 0.0 || number > MAX_SAFE_INTEGER as f64 || number.fract() != 0.0 {
                    return Err(E::invalid_value(Unexpected::Float(number), &self));
                }
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a whole number from 0 to 2^53 - 1 is exact in both"
                )]
                Ok(Whole(number as u64))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Whole, E> {
                let number = digits(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))?;
                self.visit_u64(number)
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// Reads a text of digits and nothing else, as far as 64 bits hold it; the parser of the standard library also takes a
/// sign.
pub(crate) fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

/// A yes or no: a boolean, 0 or 1, or one of those as a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flag(pub(crate) bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;

        impl Visitor<'_> for Read {
            type Value = Flag;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true or false")
            }

            fn visit_bool<E>(self, yes: bool) -> Result<Flag, E> {
                Ok(Flag(yes))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Flag, E> {
                match number {
                    0 => Ok(Flag(false)),
                    1 => Ok(Flag(true)),
                    _ => Err(E::invalid_value(Unexpected::Unsigned(number), &self)),
                }
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Flag, E> {
                match text {
                    "true" | "1" => Ok(Flag(true)),
                    "false" | "0" => Ok(Flag(false)),
                    _ => Err(E::invalid_value(Unexpected::Str(text), &self)),
                }
            }
        }

        deserializer.deserialize_any(Read)
    }
}

/// A list of what a stranger sends. Beyond one more than the model ever takes, members are counted but not kept: three
/// bytes of a body must not become a kilobyte in memory, and the model refuses the list either way.
#[derive(Debug)]
pub(crate) struct Few<T> {
    pub(crate) kept: Vec<T>,
    /// How many there were.
    pub(crate) total: usize,
}

impl<T> Few<T> {
    const MOST: usize = MAX_BATCH_ITEMS + 1;
}

const _: () = assert!(
    MAX_BATCH_ITEMS >= MAX_CUSTOM_FIELDS
        && MAX_BATCH_ITEMS >= MAX_FIELD_VALUES
        && MAX_BATCH_ITEMS >= MAX_TAGS,
    "a list that is cut must still be too long for the model"
);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Few<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Read<T> {
            type Value = Few<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Few<T>, A::Error> {
                let mut kept = Vec::new();
                while kept.len() < Few::<T>::MOST
                    && let Some(member) = list.next_element()?
                {
                    kept.push(member);
                }
                let mut total = kept.len();
                while list.next_element::<IgnoredAny>()?.is_some() {
                    total += 1;
                }
                Ok(Few { kept, total })
            }
        }

        deserializer.deserialize_seq(Read(PhantomData))
    }
}

/// Declares an object of the wire: its keys, in the vendor's order, and what each of them holds.
///
/// Every key may be absent or null; what is required is asked where the document becomes something of the model.
/// A list in place of the object is refused, but PHP's `[]` is the empty object. Unknown keys are ignored, or kept in
/// the field named after `..`.
macro_rules! document {
    (
        $(#[$meta:meta])*
        $visibility:vis struct $Name:ident {
            $( $key:literal => $field:ident: $Type:ty, )*
            $( .. => $further:ident )?
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Default)]
        $visibility struct $Name {
            $( pub(crate) $field: Option<$Type>, )*
            $( pub(crate) $further: ::serde_json::Map<String, ::serde_json::Value>, )?
        }

        document!(@keys $Name [$($key),*] $($further)?);

        impl<'de> ::serde::Deserialize<'de> for $Name {
            fn deserialize<D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Read;

                impl<'de> ::serde::de::Visitor<'de> for Read {
                    type Value = $Name;

                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str("an object")
                    }

                    fn visit_seq<A: ::serde::de::SeqAccess<'de>>(self, list: A) -> Result<$Name, A::Error> {
                        $crate::json::empty_list(list)
                    }

                    fn visit_map<A: ::serde::de::MapAccess<'de>>(self, mut object: A) -> Result<$Name, A::Error> {
                        let mut document = $Name::default();
                        while let Some($crate::json::Key(key)) = object.next_key()? {
                            match key.as_ref() {
                                $( $key => document.$field = object.next_value()?, )*
                                _ => document!(@unknown document, object, key $(, $further)?),
                            }
                        }
                        Ok(document)
                    }
                }

                deserializer.deserialize_any(Read)
            }
        }
    };
    (@keys $Name:ident $keys:tt $further:ident) => {
        impl $Name {
            /// The keys that have a meaning here; the others are kept.
            pub(crate) const KEYS: &'static [&'static str] = &$keys;
        }
    };
    (@keys $Name:ident $keys:tt) => {};
    (@unknown $document:ident, $object:ident, $key:ident, $further:ident) => {{
        let value = $object.next_value()?;
        $document.$further.insert($key.into_owned(), value);
    }};
    (@unknown $document:ident, $object:ident, $key:ident) => {{
        $object.next_value::<::serde::de::IgnoredAny>()?;
    }};
}
pub(crate) use document;

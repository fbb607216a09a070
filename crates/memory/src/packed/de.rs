//! Reading.

use serde::de::{self, DeserializeSeed, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use super::{Error, SHORT, Text, kind};

/// Reads values from the front of the bytes.
pub(super) struct Reader<'de> {
    pub(super) input: &'de [u8],
}

/// The two lower-case hex digits of a byte.
pub(super) fn digits(byte: u8) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]
}

impl<'de> Reader<'de> {
    #[inline]
    fn take(&mut self, len: u64) -> Result<&'de [u8], Error> {
        let parts = usize::try_from(len).ok().and_then(|len| self.input.split_at_checked(len));
        let (taken, rest) = parts.ok_or_else(|| Error::custom("a record ends too early"))?;
        self.input = rest;
        Ok(taken)
    }

    #[inline]
    fn head(&mut self) -> Result<(u8, u64), Error> {
        match self.input.split_first() {
            Some((byte, rest)) if byte & 0x1f <= SHORT => {
                self.input = rest;
                Ok((byte >> 5, u64::from(byte & 0x1f)))
            }
            _ => self.long_head(),
        }
    }

    fn long_head(&mut self) -> Result<(u8, u64), Error> {
        let byte = self.take(1)?[0];
        let width = 1 << (byte & 0x1f).saturating_sub(SHORT + 1);
        let mut number = [0; 8];
        number[..width].copy_from_slice(self.take(width as u64)?);
        Ok((byte >> 5, u64::from_le_bytes(number)))
    }

    pub(super) fn head_of(&mut self, expected: u8) -> Result<u64, Error> {
        match self.head()? {
            (kind, number) if kind == expected => Ok(number),
            (kind, _) => Err(Error::custom(format_args!("kind {kind} stands where {expected} is due"))),
        }
    }

    fn is_next(&self, kind: u8) -> bool {
        self.input.first().is_some_and(|byte| byte >> 5 == kind)
    }

    fn text(&mut self, len: u64) -> Result<&'de str, Error> {
        std::str::from_utf8(self.take(len)?).map_err(Error::custom)
    }

    fn hex(&mut self, len: u64) -> Result<String, Error> {
        let bytes = self.take(len)?;
        let mut text = Vec::with_capacity(2 * bytes.len());
        bytes.iter().for_each(|byte| text.extend_from_slice(&digits(*byte)));
        String::from_utf8(text).map_err(Error::custom)
    }

    pub(super) fn raw_text(&mut self) -> Result<Text<'de>, Error> {
        match self.head()? {
            (kind::HEX, len) => self.take(len).map(Text::Hex),
            (kind::TEXT, len) => self.take(len).map(Text::Plain),
            (kind, _) => Err(Error::custom(format_args!("kind {kind} stands where a text is due"))),
        }
    }

    fn skip(&mut self) -> Result<(), Error> {
        let (kind, number) = self.head()?;
        let values = match kind {
            kind::TEXT | kind::HEX => {
                self.take(number)?;
                0
            }
            kind::SEQUENCE => number,
            kind::MAP => 2 * number,
            kind::STRUCT => u64::from(number.count_ones()),
            kind::OTHER if number == kind::FLOAT => {
                self.take(8)?;
                0
            }
            _ => 0,
        };
        (0..values).try_for_each(|_| self.skip())
    }
}

impl<'de> de::Deserializer<'de> for &mut Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let (kind, number) = self.head()?;
        match (kind, number) {
            (kind::UNSIGNED, number) => visitor.visit_u64(number),
            (kind::NEGATIVE, number) => visitor.visit_i64((!number).cast_signed()),
            (kind::TEXT, len) => visitor.visit_borrowed_str(self.text(len)?),
            (kind::HEX, len) => visitor.visit_string(self.hex(len)?),
            (kind::SEQUENCE, len) => visitor.visit_seq(Parts { reader: self, left: len }),
            (kind::MAP, len) => visitor.visit_map(Parts { reader: self, left: len }),
            (kind::OTHER, kind::NULL) => visitor.visit_unit(),
            (kind::OTHER, kind::FALSE) => visitor.visit_bool(false),
            (kind::OTHER, kind::TRUE) => visitor.visit_bool(true),
            (kind::OTHER, kind::FLOAT) => {
                let bytes = self.take(8)?.try_into().expect("eight bytes were taken");
                visitor.visit_f64(f64::from_le_bytes(bytes))
            }
            (kind, _) => Err(Error::custom(format_args!("kind {kind} does not tell its type"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        const NULL: u8 = kind::OTHER << 5;
        if self.input.first() == Some(&NULL) {
            self.skip()?;
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
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
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let bits = self.head_of(kind::STRUCT)?;
        visitor.visit_map(Fields { reader: self, bits })
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        if self.is_next(kind::MAP) {
            self.head()?;
        }
        visitor.visit_enum(self)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_any(visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.skip()?;
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf
        unit unit_struct seq tuple tuple_struct map
    }
}

/// The elements of a sequence or the pairs of a map.
struct Parts<'a, 'de> {
    reader: &'a mut Reader<'de>,
    left: u64,
}

impl<'de> Parts<'_, 'de> {
    fn part<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        match self.left.checked_sub(1) {
            None => Ok(None),
            Some(left) => {
                self.left = left;
                seed.deserialize(&mut *self.reader).map(Some)
            }
        }
    }
}

impl<'de> de::SeqAccess<'de> for Parts<'_, 'de> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        self.part(seed)
    }

    fn size_hint(&self) -> Option<usize> {
        usize::try_from(self.left).ok()
    }
}

impl<'de> de::MapAccess<'de> for Parts<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.part(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }
}

/// The fields of a struct that are there, each named by its place.
struct Fields<'a, 'de> {
    reader: &'a mut Reader<'de>,
    bits: u64,
}

impl<'de> de::MapAccess<'de> for Fields<'_, 'de> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.bits == 0 {
            return Ok(None);
        }
        let place = self.bits.trailing_zeros();
        self.bits &= self.bits - 1;
        seed.deserialize(u64::from(place).into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.reader)
    }
}

impl<'de> de::EnumAccess<'de> for &mut Reader<'de> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        Ok((seed.deserialize(&mut *self)?, self))
    }
}

impl<'de> de::VariantAccess<'de> for &mut Reader<'de> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _len: usize, visitor: V) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_any(self, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        de::Deserializer::deserialize_struct(self, "", fields, visitor)
    }
}

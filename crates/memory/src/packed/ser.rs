//! Writing.

use serde::ser::{self, Serialize};

use super::{Error, SHORT, kind};

/// Writes one value at the end of the bytes.
pub(super) struct Writer<'a> {
    pub(super) out: &'a mut Vec<u8>,
}

/// A value with parts, whose head is put before it when the parts are known.
pub(super) struct Parts<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    kind: u8,
    /// How many parts, or which.
    number: u64,
    /// The next field of a struct.
    bit: u32,
}

fn head(kind: u8, number: u64) -> ([u8; 9], usize) {
    let mut head = [0; 9];
    let width = match number {
        0..=27 => 0,
        28..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    };
    let short = match width {
        0 => u8::try_from(number).expect("a short number is at most 27"),
        1 => SHORT + 1,
        2 => SHORT + 2,
        4 => SHORT + 3,
        _ => SHORT + 4,
    };
    head[0] = kind << 5 | short;
    head[1..=width].copy_from_slice(&number.to_le_bytes()[..width]);
    (head, 1 + width)
}

impl<'a> Writer<'a> {
    fn head(self, kind: u8, number: u64) -> &'a mut Vec<u8> {
        let (head, len) = head(kind, number);
        self.out.extend_from_slice(&head[..len]);
        self.out
    }

    fn parts(self, kind: u8) -> Parts<'a> {
        Parts { start: self.out.len(), out: self.out, kind, number: 0, bit: 0 }
    }

    fn variant(self, index: u32) -> Self {
        let out = self.head(kind::MAP, 1);
        Writer { out: Writer { out }.head(kind::UNSIGNED, u64::from(index)) }
    }
}

/// The bytes that a text of lower-case hex digits stands for.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    fn digit(byte: u8) -> Option<u8> {
        match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        }
    }
    if text.len() < 2 || !text.len().is_multiple_of(2) {
        return None;
    }
    text.as_bytes().chunks_exact(2).map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

macro_rules! unsigned {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, number: $type) -> Result<(), Error> {
            self.head(kind::UNSIGNED, u64::from(number));
            Ok(())
        }
    )*};
}

macro_rules! signed {
    ($($method:ident($type:ty))*) => {$(
        fn $method(self, number: $type) -> Result<(), Error> {
            let number = i64::from(number);
            match u64::try_from(number) {
                Ok(number) => self.head(kind::UNSIGNED, number),
                Err(_) => self.head(kind::NEGATIVE, !number.cast_unsigned()),
            };
            Ok(())
        }
    )*};
}

impl<'a> ser::Serializer for Writer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Parts<'a>;
    type SerializeTuple = Parts<'a>;
    type SerializeTupleStruct = Parts<'a>;
    type SerializeTupleVariant = Parts<'a>;
    type SerializeMap = Parts<'a>;
    type SerializeStruct = Parts<'a>;
    type SerializeStructVariant = Parts<'a>;

    unsigned! { serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) }
    signed! { serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) }

    fn serialize_bool(self, yes: bool) -> Result<(), Error> {
        self.head(kind::OTHER, if yes { kind::TRUE } else { kind::FALSE });
        Ok(())
    }

    fn serialize_f32(self, number: f32) -> Result<(), Error> {
        self.serialize_f64(f64::from(number))
    }

    fn serialize_f64(self, number: f64) -> Result<(), Error> {
        self.head(kind::OTHER, kind::FLOAT).extend_from_slice(&number.to_le_bytes());
        Ok(())
    }

    fn serialize_char(self, letter: char) -> Result<(), Error> {
        self.serialize_str(letter.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        match from_hex(text) {
            Some(bytes) => self.head(kind::HEX, bytes.len() as u64).extend_from_slice(&bytes),
            None => self.head(kind::TEXT, text.len() as u64).extend_from_slice(text.as_bytes()),
        }
        Ok(())
    }

    fn serialize_bytes(self, _bytes: &[u8]) -> Result<(), Error> {
        Err(ser::Error::custom("the model holds no raw bytes"))
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: ?Sized + Serialize>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.head(kind::OTHER, kind::NULL);
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, index: u32, _: &'static str) -> Result<(), Error> {
        self.serialize_u32(index)
    }

    fn serialize_newtype_struct<T: ?Sized + Serialize>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: ?Sized + Serialize>(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self.variant(index))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<Parts<'a>, Error> {
        Ok(self.parts(kind::SEQUENCE))
    }

    fn serialize_tuple(self, _len: usize) -> Result<Parts<'a>, Error> {
        Ok(self.parts(kind::SEQUENCE))
    }

    fn serialize_tuple_struct(self, _name: &'static str, _len: usize) -> Result<Parts<'a>, Error> {
        Ok(self.parts(kind::SEQUENCE))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Parts<'a>, Error> {
        Ok(self.variant(index).parts(kind::SEQUENCE))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Parts<'a>, Error> {
        Ok(self.parts(kind::MAP))
    }

    fn serialize_struct(self, _name: &'static str, _len: usize) -> Result<Parts<'a>, Error> {
        Ok(self.parts(kind::STRUCT))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Parts<'a>, Error> {
        Ok(self.variant(index).parts(kind::STRUCT))
    }

    fn is_human_readable(&self) -> bool {
        // The model's own export format is text; this is the same, packed.
        true
    }
}

impl Parts<'_> {
    fn part<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.number += 1;
        value.serialize(Writer { out: self.out })
    }

    fn field<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        self.skip();
        self.number |= 1 << (self.bit - 1);
        value.serialize(Writer { out: self.out })
    }

    fn skip(&mut self) {
        self.bit += 1;
        assert!(self.bit <= u64::BITS, "no struct of the model has more fields than that");
    }

    fn close(self) {
        let (head, len) = head(self.kind, self.number);
        self.out.splice(self.start..self.start, head[..len].iter().copied());
    }
}

macro_rules! parts {
    ($($trait:ident::$method:ident)*) => {$(
        impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn $method<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
                self.part(value)
            }

            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        }
    )*};
}

parts! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

impl ser::SerializeMap for Parts<'_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: ?Sized + Serialize>(&mut self, key: &T) -> Result<(), Error> {
        self.part(key)
    }

    fn serialize_value<T: ?Sized + Serialize>(&mut self, value: &T) -> Result<(), Error> {
        value.serialize(Writer { out: self.out })
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

macro_rules! fields {
    ($($trait:ident)*) => {$(
        impl ser::$trait for Parts<'_> {
            type Ok = ();
            type Error = Error;

            fn serialize_field<T: ?Sized + Serialize>(&mut self, _: &'static str, value: &T) -> Result<(), Error> {
                self.field(value)
            }

            fn skip_field(&mut self, _: &'static str) -> Result<(), Error> {
                self.skip();
                Ok(())
            }

            fn end(self) -> Result<(), Error> {
                self.close();
                Ok(())
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

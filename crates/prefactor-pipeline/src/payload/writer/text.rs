//! What must be text: keys, and JSON that stands in a text already.

use serde::ser::{Error, Impossible, Serialize, Serializer};

use super::{Unserializable, string};
use crate::payload::buffer::Buffer;

/// How a text is written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Form {
    /// As a key, in quotes.
    Key,
    /// As it is.
    Verbatim,
}

/// Writes what has a text, and refuses everything else.
#[derive(Debug)]
pub(super) struct TextWriter<'a> {
    pub(super) out: &'a mut Buffer,
    pub(super) form: Form,
}

type Nothing = Impossible<(), Unserializable>;

impl TextWriter<'_> {
    fn text(self, text: &str) -> Result<(), Unserializable> {
        match self.form {
            Form::Key => string::text(self.out, text),
            Form::Verbatim => self.out.append(text.as_bytes()),
        }
        Ok(())
    }

    fn number(self, number: impl itoa::Integer) -> Result<(), Unserializable> {
        self.text(itoa::Buffer::new().format(number))
    }

    fn float(self, number: impl Serialize, is_finite: bool) -> Result<(), Unserializable> {
        let text = serde_json::to_string(&number).map_err(Unserializable::custom)?;
        if is_finite { self.text(&text) } else { Err(Unserializable) }
    }
}

impl Serializer for TextWriter<'_> {
    type Ok = ();
    type Error = Unserializable;
    type SerializeSeq = Nothing;
    type SerializeTuple = Nothing;
    type SerializeTupleStruct = Nothing;
    type SerializeTupleVariant = Nothing;
    type SerializeMap = Nothing;
    type SerializeStruct = Nothing;
    type SerializeStructVariant = Nothing;

    fn serialize_str(self, value: &str) -> Result<(), Unserializable> {
        self.text(value)
    }

    fn serialize_char(self, value: char) -> Result<(), Unserializable> {
        self.text(value.encode_utf8(&mut [0; 4]))
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unserializable> {
        self.text(variant)
    }

    fn serialize_bool(self, value: bool) -> Result<(), Unserializable> {
        self.text(if value { "true" } else { "false" })
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_i128(self, value: i128) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_u128(self, value: u128) -> Result<(), Unserializable> {
        self.number(value)
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unserializable> {
        self.float(value, value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unserializable> {
        self.float(value, value.is_finite())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unserializable> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unserializable> {
        value.serialize(self)
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), Unserializable> {
        Err(Unserializable)
    }

    fn serialize_none(self) -> Result<(), Unserializable> {
        Err(Unserializable)
    }

    fn serialize_unit(self) -> Result<(), Unserializable> {
        Err(Unserializable)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unserializable> {
        Err(Unserializable)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unserializable> {
        Err(Unserializable)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Nothing, Unserializable> {
        Err(Unserializable)
    }

    fn serialize_tuple(self, _: usize) -> Result<Nothing, Unserializable> {
        Err(Unserializable)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Nothing, Unserializable> {
        Err(Unserializable)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Nothing, Unserializable> {
        Err(Unserializable)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Nothing, Unserializable> {
        Err(Unserializable)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Nothing, Unserializable> {
        Err(Unserializable)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Nothing, Unserializable> {
        Err(Unserializable)
    }
}

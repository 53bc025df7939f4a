//! Writes a value as compact JSON, and on the way cuts long strings, refuses what is nested too deeply and notices sensitive
//! values.
//!
//! The text is the one that serde_json writes. It is a serializer of our own because escaping strings byte by byte and
//! asking a formatter about each piece was most of what a span costs its caller
//! (`docs/decisions/0012-a-json-writer-of-our-own.md`).

mod compound;
mod string;
mod text;

use serde::ser::{Serialize, Serializer};

use super::buffer::Buffer;

use compound::{Compound, Verbatim};

pub(super) use string::text as write_text;

/// What stands behind a string that was cut.
const TRUNCATION_MARKER: &str = "…[truncated]";

/// Levels of nesting a payload may have. serde_json reads 128 by default, so an API would hardly take more, and a
/// value without end must not overflow the caller's stack.
const MAX_DEPTH: usize = 128;

/// The key that marks an object as a sensitive value (API contract, Spans).
pub(super) const SENSITIVE_KEY: &str = "$sensitive";
const QUOTED_SENSITIVE_KEY: &str = "\"$sensitive\"";

/// What serde_json calls the structs around text that is JSON already: its raw values, and its numbers where they are kept
/// as text. Their one field is such a text.
const VERBATIM_PREFIX: &str = "$serde_json::private::";

/// The value has no JSON form: its own code said so, or it is nested too deeply. It does not say more, since its words might
/// be content.
#[derive(Debug)]
pub(super) struct Unserializable;

/// Appends JSON to a buffer.
#[derive(Debug)]
pub(super) struct JsonWriter<'a> {
    out: &'a mut Buffer,
    /// Characters that a string value may have.
    max_length: usize,
    /// Whether strings of the value that is being written are cut: those of a sensitive value's form are not.
    limited: bool,
    depth: usize,
    saw_sensitive: bool,
}

impl<'a> JsonWriter<'a> {
    /// Appends `value`, with string values of at most `max_length` characters, and tells whether there is a sensitive value
    /// in it.
    pub(super) fn append<T: Serialize + ?Sized>(
        out: &'a mut Buffer,
        value: &T,
        max_length: usize,
    ) -> Result<bool, Unserializable> {
        let mut writer = Self { out, max_length, limited: true, depth: 0, saw_sensitive: false };
        value.serialize(&mut writer)?;
        Ok(writer.saw_sensitive)
    }

    #[inline]
    fn text(&mut self, text: &str) {
        // No text has more characters than bytes: as a rule there is nothing to count.
        let end = if self.limited && text.len() > self.max_length {
            text.char_indices().nth(self.max_length).map(|(index, _)| index)
        } else {
            None
        };
        string::text(self.out, &text[..end.unwrap_or(text.len())]);
        if end.is_some() {
            self.out.truncate(self.out.len() - 1);
            self.out.append(TRUNCATION_MARKER.as_bytes());
            self.out.push(b'"');
        }
    }

    fn integer(&mut self, number: impl itoa::Integer) {
        self.out.append(itoa::Buffer::new().format(number).as_bytes());
    }

    /// serde_json knows how to write a float; it appends `null` for one that is no number.
    fn float(&mut self, number: impl Serialize) -> Result<(), Unserializable> {
        serde_json::to_writer(&mut *self.out, &number).map_err(|_| Unserializable)
    }

    /// Enters an array or an object.
    #[inline]
    fn open(&mut self, bracket: u8) -> Result<(), Unserializable> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(Unserializable);
        }
        self.out.push(bracket);
        Ok(())
    }

    #[inline]
    fn close(&mut self, bracket: u8) {
        self.depth -= 1;
        self.out.push(bracket);
    }

    /// `{"variant":`, as enums are written that hold something.
    fn open_variant(&mut self, variant: &str) -> Result<(), Unserializable> {
        self.open(b'{')?;
        string::text(self.out, variant);
        self.out.push(b':');
        Ok(())
    }
}

impl<'w, 'a> Serializer for &'w mut JsonWriter<'a> {
    type Ok = ();
    type Error = Unserializable;
    type SerializeSeq = Compound<'w, 'a>;
    type SerializeTuple = Compound<'w, 'a>;
    type SerializeTupleStruct = Compound<'w, 'a>;
    type SerializeTupleVariant = Compound<'w, 'a>;
    type SerializeMap = Compound<'w, 'a>;
    type SerializeStruct = Verbatim<'w, 'a>;
    type SerializeStructVariant = Compound<'w, 'a>;

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<(), Unserializable> {
        // A copy for each, of a length that is known.
        match value {
            true => self.out.append_array(*b"true"),
            false => self.out.append_array(*b"false"),
        }
        Ok(())
    }

    fn serialize_i8(self, value: i8) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_i16(self, value: i16) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_i32(self, value: i32) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_i64(self, value: i64) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_i128(self, value: i128) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_u8(self, value: u8) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_u16(self, value: u16) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_u32(self, value: u32) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_u64(self, value: u64) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_u128(self, value: u128) -> Result<(), Unserializable> {
        self.integer(value);
        Ok(())
    }

    fn serialize_f32(self, value: f32) -> Result<(), Unserializable> {
        self.float(value)
    }

    fn serialize_f64(self, value: f64) -> Result<(), Unserializable> {
        self.float(value)
    }

    fn serialize_char(self, value: char) -> Result<(), Unserializable> {
        self.text(value.encode_utf8(&mut [0; 4]));
        Ok(())
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<(), Unserializable> {
        self.text(value);
        Ok(())
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<(), Unserializable> {
        self.collect_seq(value)
    }

    fn serialize_none(self) -> Result<(), Unserializable> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unserializable> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Unserializable> {
        self.out.append_array(*b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Unserializable> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<(), Unserializable> {
        self.text(variant);
        Ok(())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Unserializable> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unserializable> {
        self.open_variant(variant)?;
        value.serialize(&mut *self)?;
        self.close(b'}');
        Ok(())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Compound<'w, 'a>, Unserializable> {
        Compound::array(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Compound<'w, 'a>, Unserializable> {
        Compound::array(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Compound<'w, 'a>, Unserializable> {
        Compound::array(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'a>, Unserializable> {
        self.open_variant(variant)?;
        Compound::array(self).map(Compound::in_variant)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'w, 'a>, Unserializable> {
        Compound::object(self)
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Verbatim<'w, 'a>, Unserializable> {
        if name.starts_with(VERBATIM_PREFIX) {
            Ok(Verbatim::Text(self))
        } else {
            Compound::object(self).map(Verbatim::Object)
        }
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Compound<'w, 'a>, Unserializable> {
        self.open_variant(variant)?;
        Compound::object(self).map(Compound::in_variant)
    }
}

impl serde::ser::Error for Unserializable {
    fn custom<T: std::fmt::Display>(_: T) -> Self {
        Self
    }
}

impl std::error::Error for Unserializable {}

impl std::fmt::Display for Unserializable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the value has no JSON form")
    }
}

#[cfg(test)]
mod tests;

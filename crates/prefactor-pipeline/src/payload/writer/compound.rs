//! Arrays and objects that are being written.

use serde::ser::{
    Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant,
};

use super::text::{Form, TextWriter};
use super::{JsonWriter, QUOTED_SENSITIVE_KEY, SENSITIVE_KEY, Unserializable, string};

/// An array or an object that is not yet closed.
#[derive(Debug)]
pub(in crate::payload) struct Compound<'w, 'a> {
    writer: &'w mut JsonWriter<'a>,
    closing: u8,
    in_variant: bool,
    is_empty: bool,
    /// It is the form of a sensitive value: of its strings only those in `value` are content.
    sensitive: bool,
    /// Whether strings are limited where this stands.
    limited_around: bool,
}

impl<'w, 'a> Compound<'w, 'a> {
    pub(super) fn array(writer: &'w mut JsonWriter<'a>) -> Result<Self, Unserializable> {
        writer.open(b'[')?;
        Ok(Self::new(writer, b']'))
    }

    #[inline]
    pub(super) fn object(writer: &'w mut JsonWriter<'a>) -> Result<Self, Unserializable> {
        writer.open(b'{')?;
        Ok(Self::new(writer, b'}'))
    }

    #[inline]
    fn new(writer: &'w mut JsonWriter<'a>, closing: u8) -> Self {
        let limited_around = writer.limited;
        Self { writer, closing, in_variant: false, is_empty: true, sensitive: false, limited_around }
    }

    /// The object around the variant is closed with it.
    pub(super) fn in_variant(self) -> Self {
        Self { in_variant: true, ..self }
    }

    #[inline]
    fn comma(&mut self) {
        if !std::mem::take(&mut self.is_empty) {
            self.writer.out.push(b',');
        }
    }

    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        self.comma();
        value.serialize(&mut *self.writer)
    }

    /// Inlined, as all on the way here from the code that is derived for a struct: a compiler that knows the key finds out about its
    /// escapes too, and all that is left of a short one is a copy.
    #[inline(always)]
    fn member<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Unserializable> {
        let is_first = std::mem::take(&mut self.is_empty);
        string::member(self.writer.out, is_first, key);
        self.notice(key == SENSITIVE_KEY, key == "value");
        value.serialize(&mut *self.writer)
    }

    /// Decides about a member by its key: whether that is the mark of a sensitive value, or stands for its content.
    #[inline]
    fn notice(&mut self, is_mark: bool, is_value: bool) {
        if is_mark {
            self.writer.saw_sensitive = true;
            self.sensitive = true;
        }
        if self.sensitive {
            self.writer.limited = is_value;
        }
    }

    #[inline]
    fn close(self) {
        self.writer.limited = self.limited_around;
        self.writer.close(self.closing);
        if self.in_variant {
            self.writer.close(b'}');
        }
    }
}

macro_rules! arrays {
    ($($trait:ident::$method:ident),*) => {
        $(impl $trait for Compound<'_, '_> {
            type Ok = ();
            type Error = Unserializable;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
                self.element(value)
            }

            fn end(self) -> Result<(), Unserializable> {
                self.close();
                Ok(())
            }
        })*
    };
}
arrays!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

impl SerializeStructVariant for Compound<'_, '_> {
    type Ok = ();
    type Error = Unserializable;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unserializable> {
        self.member(key, value)
    }

    fn end(self) -> Result<(), Unserializable> {
        self.close();
        Ok(())
    }
}

impl SerializeMap for Compound<'_, '_> {
    type Ok = ();
    type Error = Unserializable;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unserializable> {
        self.comma();
        let start = self.writer.out.len();
        key.serialize(TextWriter { out: self.writer.out, form: Form::Key })?;
        let key = &self.writer.out[start..];
        self.notice(key == QUOTED_SENSITIVE_KEY.as_bytes(), key == b"\"value\"");
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unserializable> {
        self.writer.out.push(b':');
        value.serialize(&mut *self.writer)
    }

    fn end(self) -> Result<(), Unserializable> {
        self.close();
        Ok(())
    }
}

/// A struct: an object, as a rule, but for those of serde_json's own that stand for a text which is JSON already.
#[derive(Debug)]
pub(in crate::payload) enum Verbatim<'w, 'a> {
    Object(Compound<'w, 'a>),
    Text(&'w mut JsonWriter<'a>),
}

impl SerializeStruct for Verbatim<'_, '_> {
    type Ok = ();
    type Error = Unserializable;

    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), Unserializable> {
        match self {
            Self::Object(object) => object.member(key, value),
            Self::Text(writer) => value.serialize(TextWriter { out: writer.out, form: Form::Verbatim }),
        }
    }

    #[inline]
    fn end(self) -> Result<(), Unserializable> {
        if let Self::Object(object) = self {
            object.close();
        }
        Ok(())
    }
}

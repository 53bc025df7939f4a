//! A string in human-readable formats, 20 bytes in others.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::Pfid;

impl Serialize for Pfid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(self.encode_to(&mut [0; Pfid::CHARACTERS]))
        } else {
            serializer.serialize_bytes(&self.to_bytes())
        }
    }
}

impl<'de> Deserialize<'de> for Pfid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(Text)
        } else {
            deserializer.deserialize_bytes(Binary)
        }
    }
}

struct Text;

impl Visitor<'_> for Text {
    type Value = Pfid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the 32 characters of a pfid")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Pfid, E> {
        text.parse().map_err(E::custom)
    }
}

struct Binary;

impl Visitor<'_> for Binary {
    type Value = Pfid;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the 20 bytes of a pfid")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Pfid, E> {
        Pfid::from_bytes(bytes).map_err(E::custom)
    }
}

#[cfg(test)]
mod tests {
    use serde::de::IntoDeserializer;
    use serde::de::value::{BytesDeserializer, Error as ValueError};

    use super::*;

    const TEXT: &str = "013xrzp12g3nqk8n04hmasw9nf6yy093";

    #[test]
    fn json_holds_the_text() {
        let id: Pfid = TEXT.parse().unwrap();

        let json = serde_json::to_string(&id).unwrap();

        assert_eq!(json, format!("\"{TEXT}\""));
        assert_eq!(serde_json::from_str::<Pfid>(&json).unwrap(), id);
    }

    #[test]
    fn a_bad_text_is_refused_with_its_fault() {
        let error = serde_json::from_str::<Pfid>("\"x\"").unwrap_err();

        assert!(error.to_string().starts_with("a pfid has 32 characters, not 1"), "{error}");
    }

    #[test]
    fn binary_formats_hold_the_bytes() {
        let id: Pfid = TEXT.parse().unwrap();
        let bytes = id.to_bytes();
        let deserializer: BytesDeserializer<'_, ValueError> = bytes.as_slice().into_deserializer();

        assert_eq!(deserializer.deserialize_bytes(Binary), Ok(id));
    }
}

//! A JSON object that is being written.

use chrono::{DateTime, Datelike, Timelike, Utc};
use prefactor_pfid::Pfid;

/// Writes one object field by field. [`ObjectWriter::close`] ends it; nothing else does.
#[derive(Debug)]
pub(crate) struct ObjectWriter<'a> {
    out: &'a mut Vec<u8>,
    is_empty: bool,
}

impl<'a> ObjectWriter<'a> {
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, is_empty: true }
    }

    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    /// Starts a field; what is appended to the buffer next is its value. The name is one of ours: it needs no escape.
    pub(crate) fn field(&mut self, name: &'static str) -> &mut Vec<u8> {
        self.comma();
        self.out.push(b'"');
        self.out.extend_from_slice(name.as_bytes());
        self.out.extend_from_slice(b"\":");
        self.out
    }

    /// Starts a field whose name a client chose.
    pub(crate) fn entry(&mut self, name: &str) -> &mut Vec<u8> {
        self.comma();
        string(self.out, name);
        self.out.push(b':');
        self.out
    }

    fn comma(&mut self) {
        if !self.is_empty {
            self.out.push(b',');
        }
        self.is_empty = false;
    }

    pub(crate) fn object(&mut self, name: &'static str) -> ObjectWriter<'_> {
        ObjectWriter::open(self.field(name))
    }

    pub(crate) fn text(&mut self, name: &'static str, text: &str) {
        string(self.field(name), text);
    }

    pub(crate) fn optional_text(&mut self, name: &'static str, text: Option<&str>) {
        match text {
            Some(text) => self.text(name, text),
            None => self.null(name),
        }
    }

    pub(crate) fn id(&mut self, name: &'static str, id: Pfid) {
        let out = self.field(name);
        out.push(b'"');
        out.extend_from_slice(&id.encode());
        out.push(b'"');
    }

    pub(crate) fn optional_id(&mut self, name: &'static str, id: Option<Pfid>) {
        match id {
            Some(id) => self.id(name, id),
            None => self.null(name),
        }
    }

    pub(crate) fn moment(&mut self, name: &'static str, at: DateTime<Utc>) {
        moment(self.field(name), at);
    }

    pub(crate) fn optional_moment(&mut self, name: &'static str, at: Option<DateTime<Utc>>) {
        match at {
            Some(at) => self.moment(name, at),
            None => self.null(name),
        }
    }

    pub(crate) fn number(&mut self, name: &'static str, number: u64) {
        let mut buffer = itoa::Buffer::new();
        self.field(name).extend_from_slice(buffer.format(number).as_bytes());
    }

    pub(crate) fn optional_number(&mut self, name: &'static str, number: Option<u64>) {
        match number {
            Some(number) => self.number(name, number),
            None => self.null(name),
        }
    }

    pub(crate) fn flag(&mut self, name: &'static str, flag: bool) {
        self.field(name).extend_from_slice(if flag { b"true" } else { b"false" });
    }

    pub(crate) fn null(&mut self, name: &'static str) {
        self.field(name).extend_from_slice(b"null");
    }
}

/// Writes a list of texts.
pub(crate) fn texts<T: AsRef<str>>(out: &mut Vec<u8>, texts: &[T]) {
    out.push(b'[');
    for (index, text) in texts.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        string(out, text.as_ref());
    }
    out.push(b']');
}

/// Writes a text. Most need no escape and are copied as they are; all bytes are looked at, without a way out halfway, so
/// that it takes many at once.
pub(crate) fn string(out: &mut Vec<u8>, text: &str) {
    let escapes =
        text.bytes().fold(false, |escapes, byte| escapes | (byte < 0x20) | (byte == b'"') | (byte == b'\\'));
    if !escapes {
        out.push(b'"');
        out.extend_from_slice(text.as_bytes());
        out.push(b'"');
    } else {
        out.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
    }
}

/// Microseconds, as the API stores them. Years past 9999 can't be read in, so four digits do.
fn moment(out: &mut Vec<u8>, at: DateTime<Utc>) {
    let at = at.naive_utc();
    out.push(b'"');
    digits::<4>(out, at.year().unsigned_abs());
    out.push(b'-');
    digits::<2>(out, at.month());
    out.push(b'-');
    digits::<2>(out, at.day());
    out.push(b'T');
    digits::<2>(out, at.hour());
    out.push(b':');
    digits::<2>(out, at.minute());
    out.push(b':');
    digits::<2>(out, at.second());
    out.push(b'.');
    // A leap second has a nanosecond past 10⁹: it is written as the last microsecond before.
    digits::<6>(out, (at.nanosecond() / 1_000).min(999_999));
    out.extend_from_slice(b"Z\"");
}

fn digits<const N: usize>(out: &mut Vec<u8>, mut number: u32) {
    let mut text = [b'0'; N];
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    out.extend_from_slice(&text);
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let mut out = Vec::new();

        let mut object = ObjectWriter::open(&mut out);
        object.text("plain", "a é 🦀");
        string(object.entry("escaped \"key\""), "quote \" slash \\ line\n bell\u{7}");
        object.optional_text("none", None);
        texts(object.field("texts"), &["a", "b"]);
        object.number("number", u64::MAX);
        object.flag("flag", false);
        object.object("empty").close();
        object.moment("at", "2026-02-03T04:05:06.000789999Z".parse().unwrap());
        object.moment("leap", "2016-12-31T23:59:60.5Z".parse().unwrap());
        object.close();

        assert_eq!(
            serde_json::from_slice::<Value>(&out).unwrap(),
            json!({
                "plain": "a é 🦀",
                "escaped \"key\"": "quote \" slash \\ line\n bell\u{7}",
                "none": null,
                "texts": ["a", "b"],
                "number": u64::MAX,
                "flag": false,
                "empty": {},
                "at": "2026-02-03T04:05:06.000789Z",
                "leap": "2016-12-31T23:59:59.999999Z",
            })
        );
    }
}

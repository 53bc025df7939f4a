//! JSON's strings and their escapes.

use crate::plain_text::plain_len;

/// Appends a key, or a name, with its quotes.
pub(in crate::payload) fn key(out: &mut Vec<u8>, key: &str) {
    out.push(b'"');
    escape(out, key);
    out.push(b'"');
}

/// Appends the text of a string, without quotes around it.
pub(super) fn escape(out: &mut Vec<u8>, text: &str) {
    let mut rest = text.as_bytes();
    loop {
        let (clean, escaped) = rest.split_at(plain_len(rest));
        out.extend_from_slice(clean);
        let Some((byte, after)) = escaped.split_first() else { return };
        write_escape(out, *byte);
        rest = after;
    }
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        b'\t' => b't',
        b'\n' => b'n',
        0x0c => b'f',
        b'\r' => b'r',
        _ => {
            out.extend_from_slice(b"\\u00");
            return out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

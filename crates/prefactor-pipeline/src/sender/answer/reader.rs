//! Reads JSON from left to right, and skips what nobody asks for
//! (`docs/decisions/0015-a-reader-of-answers-of-our-own.md`).
//!
//! What serde_json takes for JSON is read as serde_json reads it. `None` is said where a text is cut short, or has another shape than
//! was asked for: nothing of it counts then. Within what is skipped not all that is no JSON is noticed.

use std::borrow::Cow;

use super::skip::behind_brackets;
use crate::plain_text::plain_len;

/// What stands between the quotes of a string.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Text<'a> {
    Plain(&'a [u8]),
    Escaped(&'a [u8]),
}

/// An escape takes so many bytes for a byte of text at the most.
const LONGEST_ESCAPE: usize = 6;

impl<'a> Text<'a> {
    /// What it says. `None` where that is no text, since an escape stands for half a character.
    pub(crate) fn read(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Plain(text) => std::str::from_utf8(text).ok().map(Cow::Borrowed),
            Self::Escaped(text) => {
                let quoted = [b"\"", text, b"\""].concat();
                serde_json::from_slice(&quoted).ok().map(Cow::Owned)
            }
        }
    }

    /// Whether it says this.
    #[inline(always)]
    pub(crate) fn is(self, text: &[u8]) -> bool {
        match self {
            Self::Plain(found) => found == text,
            // What is too long is not read: it would be again and again, for each text that it is compared with.
            Self::Escaped(found) => {
                found.len() <= LONGEST_ESCAPE * text.len()
                    && self.read().is_some_and(|found| found.as_bytes() == text)
            }
        }
    }
}

/// What is left to be read.
///
/// All that is done for every token is compiled into its caller, so that the place stays in a register: each token would have to
/// wait until the one before has written it to memory.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(json: &'a [u8]) -> Self {
        Self { rest: json }
    }

    /// Enters an object, and tells whether it has a member: its name is next.
    #[inline(always)]
    pub(super) fn enter_object(&mut self) -> Option<bool> {
        self.take(b'{')?;
        if self.peek()? != b'}' {
            return Some(true);
        }
        self.take(b'}').map(|()| false)
    }

    /// Tells, from behind a value, whether another member follows: its name is next.
    #[inline(always)]
    pub(super) fn has_next_member(&mut self) -> Option<bool> {
        match self.next()? {
            b',' => Some(true),
            b'}' => Some(false),
            _ => None,
        }
    }

    /// Reads the name of a member, and the colon. The value is next.
    #[inline(always)]
    pub(super) fn name(&mut self) -> Option<Text<'a>> {
        let name = self.string()?;
        self.take(b':')?;
        Some(name)
    }

    /// Reads the name of a member, and the colon, and tells which of these it is.
    #[inline(always)]
    pub(super) fn known_name<T: Copy, const N: usize>(
        &mut self,
        known: &[(&[u8], T); N],
    ) -> Option<Option<T>> {
        for (name, which) in known {
            if self.passes_string(name) {
                self.take(b':')?;
                return Some(Some(*which));
            }
        }
        let found = self.name()?;
        Some(known.iter().find(|(name, _)| found.is(name)).map(|(_, which)| *which))
    }

    /// Skips the other members of an object, from behind a value on.
    #[inline(always)]
    pub(super) fn skip_rest_of_object(&mut self) -> Option<()> {
        if self.has_next_member()? {
            self.rest = behind_brackets(self.rest)?;
        }
        Some(())
    }

    /// Reads a string.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Option<Text<'a>> {
        self.take(b'"')?;
        self.behind_quote()
    }

    /// Reads a string; `Some(None)` where the value is another one.
    #[inline(always)]
    pub(super) fn string_or_other(&mut self) -> Option<Option<Text<'a>>> {
        if self.peek()? == b'"' {
            return self.string().map(Some);
        }
        self.value().map(|_| None)
    }

    /// Reads a string of so many bytes, if one is next and `understood`, which no quote and no backslash may be.
    #[inline(always)]
    pub(super) fn string_of<T, const N: usize>(
        &mut self,
        understood: impl FnOnce(&[u8; N]) -> Option<T>,
    ) -> Option<T> {
        let (text, rest) = self.rest.strip_prefix(b"\"")?.split_first_chunk()?;
        let rest = rest.strip_prefix(b"\"")?;
        let found = understood(text)?;
        self.rest = rest;
        Some(found)
    }

    /// Reads a value, and tells whether it is this string.
    #[inline(always)]
    pub(super) fn is_string(&mut self, text: &[u8]) -> Option<bool> {
        if self.passes_string(text) {
            return Some(true);
        }
        Some(self.string_or_other()?.is_some_and(|found| found.is(text)))
    }

    /// Skips a value, and returns its text.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        let first = self.peek()?;
        let from_here = self.rest;
        match first {
            b'"' => drop(self.string()?),
            b'{' | b'[' => self.rest = behind_brackets(&from_here[1..])?,
            _ => self.rest = behind_token(from_here)?,
        }
        Some(&from_here[..from_here.len() - self.rest.len()])
    }

    /// What the next value begins with.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        if *self.rest.first()? <= b' ' {
            self.rest = behind_spaces(self.rest);
        }
        self.rest.first().copied()
    }

    /// Makes sure that nothing is left.
    pub(super) fn end(mut self) -> Option<()> {
        self.peek().is_none().then_some(())
    }

    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.rest = &self.rest[1..];
        Some(byte)
    }

    #[inline(always)]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    /// Goes past this string if it is next, and written without spaces before it and without escapes, as nearly all are.
    ///
    /// Where it ends is known then, and what is behind it can be read before this is compared.
    #[inline(always)]
    fn passes_string(&mut self, text: &[u8]) -> bool {
        let behind = self.rest.strip_prefix(b"\"").and_then(|rest| rest.strip_prefix(text));
        let Some(rest) = behind.and_then(|rest| rest.strip_prefix(b"\"")) else { return false };
        self.rest = rest;
        true
    }

    /// Reads a string whose first quote was read.
    #[inline(always)]
    fn behind_quote(&mut self) -> Option<Text<'a>> {
        let (text, after) = self.rest.split_at(plain_len(self.rest));
        if let [b'"', after @ ..] = after {
            self.rest = after;
            return Some(Text::Plain(text));
        }
        let len = len_with_escapes(self.rest, text.len())?;
        let (text, after) = self.rest.split_at(len);
        self.rest = &after[1..];
        Some(Text::Escaped(text))
    }
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
}

/// An answer has no spaces between its tokens as a rule.
#[cold]
fn behind_spaces(json: &[u8]) -> &[u8] {
    let spaces = json.iter().take_while(|byte| is_space(byte)).count();
    &json[spaces..]
}

/// Skips a number or a word, up to what may stand behind one.
fn behind_token(json: &[u8]) -> Option<&[u8]> {
    let end = |byte: &u8| matches!(byte, b',' | b'}' | b']') || is_space(byte);
    let len = json.iter().position(end).unwrap_or(json.len());
    (len > 0).then_some(&json[len..])
}

/// How long the text of a string is, up to its quote, where something else stands behind so many plain bytes.
#[cold]
fn len_with_escapes(json: &[u8], plain: usize) -> Option<usize> {
    let mut len = plain;
    loop {
        len += match json.get(len..)? {
            [b'"', ..] => return Some(len),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', ..] => 2,
            [b'\\', b'u', a, b, c, d, ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => 6,
            _ => return None,
        };
        len += plain_len(&json[len..]);
    }
}

#[cfg(test)]
mod tests;

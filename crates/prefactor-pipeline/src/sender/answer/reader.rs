//! Reads JSON from left to right. It takes for JSON what serde_json takes for it, and skips what nobody asks for
//! (`docs/decisions/0015-a-reader-of-answers-of-our-own.md`).
//!
//! `None` is said where the text is no JSON, or has another shape than was asked for: nothing of it counts then.

use std::borrow::Cow;

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
    #[inline]
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
    pub(super) fn new(json: &'a str) -> Self {
        Self { rest: json.as_bytes() }
    }

    /// Enters an object, and reads the name of its first member; `Some(None)` where it has none. The value is next.
    #[inline(always)]
    pub(super) fn first_member(&mut self) -> Option<Option<Text<'a>>> {
        self.take(b'{')?;
        match self.peek()? {
            b'}' => self.take(b'}').map(|()| None),
            _ => self.name().map(Some),
        }
    }

    /// Reads the name of the next member, from behind a value; `Some(None)` at the end of the object.
    #[inline(always)]
    pub(super) fn next_member(&mut self) -> Option<Option<Text<'a>>> {
        match self.next()? {
            b',' => self.name().map(Some),
            b'}' => Some(None),
            _ => None,
        }
    }

    /// Skips the other members of an object, from behind a value on.
    #[inline(always)]
    pub(super) fn skip_rest_of_object(&mut self) -> Option<()> {
        if self.next_member()?.is_some() {
            self.rest = skip_values(self.rest, Some(b'}'))?;
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

    /// Skips a value, and returns its text.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        self.peek()?;
        let from_here = self.rest;
        self.rest = skip_values(from_here, None)?;
        Some(&from_here[..from_here.len() - self.rest.len()])
    }

    /// What the next value begins with.
    #[inline(always)]
    pub(super) fn peek(&mut self) -> Option<u8> {
        loop {
            let (byte, after) = self.rest.split_first()?;
            if !matches!(byte, b' ' | b'\n' | b'\t' | b'\r') {
                return Some(*byte);
            }
            self.rest = after;
        }
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

    /// Reads the name of a member, and the colon.
    #[inline(always)]
    fn name(&mut self) -> Option<Text<'a>> {
        let name = self.string()?;
        self.take(b':')?;
        Some(name)
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

/// Skips a value, and tells what comes behind it. Where it is part of an array or an object, which ends with the bracket `around`,
/// skips the rest of that too.
fn skip_values(json: &[u8], around: Option<u8>) -> Option<&[u8]> {
    let mut reader = Reader { rest: json };
    // The closing brackets of what is open: as deep as a body is long, without recursion.
    let mut open = Vec::new();
    loop {
        match reader.next()? {
            b'"' => drop(reader.behind_quote()?),
            b'{' if reader.peek()? != b'}' => {
                open.push(b'}');
                reader.name()?;
                continue;
            }
            b'[' if reader.peek()? != b']' => {
                open.push(b']');
                continue;
            }
            b'{' | b'[' => drop(reader.next()),
            b't' => reader.rest = reader.rest.strip_prefix(b"rue")?,
            b'f' => reader.rest = reader.rest.strip_prefix(b"alse")?,
            b'n' => reader.rest = reader.rest.strip_prefix(b"ull")?,
            first => reader.rest = skip_number(first, reader.rest)?,
        }
        // To the next value of the same array or object, or of one around it.
        loop {
            let Some(closing) = open.last().copied().or(around) else { return Some(reader.rest) };
            match reader.next()? {
                b',' if closing == b'}' => {
                    reader.name()?;
                    break;
                }
                b',' => break,
                byte if byte == closing => {
                    if open.pop().is_none() {
                        return Some(reader.rest);
                    }
                }
                _ => return None,
            }
        }
    }
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

/// Skips a number, of which the first byte was read.
fn skip_number(first: u8, json: &[u8]) -> Option<&[u8]> {
    let (first, rest) =
        if first == b'-' { json.split_first().map(|(digit, rest)| (*digit, rest))? } else { (first, json) };
    let mut rest = match first {
        b'0' => rest,
        b'1'..=b'9' => skip_digits(rest),
        _ => return None,
    };
    if let [b'.', after @ ..] = rest {
        rest = skip_some_digits(after)?;
    }
    if let [b'e' | b'E', b'+' | b'-', after @ ..] | [b'e' | b'E', after @ ..] = rest {
        rest = skip_some_digits(after)?;
    }
    Some(rest)
}

fn skip_digits(json: &[u8]) -> &[u8] {
    let digits = json.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &json[digits..]
}

fn skip_some_digits(json: &[u8]) -> Option<&[u8]> {
    let rest = skip_digits(json);
    (rest.len() < json.len()).then_some(rest)
}

#[cfg(test)]
mod tests;

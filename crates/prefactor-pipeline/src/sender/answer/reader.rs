//! Reads JSON from left to right. It takes for JSON what serde_json takes for it, and steps over what nobody asks for in
//! a fraction of the time (`docs/decisions/0015-a-reader-of-answers-of-our-own.md`).
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

impl<'a> Text<'a> {
    /// What it says. `None` where that is no text: an escape stands for half a character, or it is not UTF-8.
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
            Self::Escaped(_) => self.read().is_some_and(|found| found.as_bytes() == text),
        }
    }
}

/// What is left to be read.
///
/// All that is done for every token is compiled into its caller, so that the place stays in a register: to write it to memory
/// and read it again for each token takes as long as all the rest.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(json: &'a [u8]) -> Self {
        Self { rest: json }
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

    /// Steps over the other members of an object, from behind a value on.
    #[inline(always)]
    pub(super) fn rest_of_object(&mut self) -> Option<()> {
        if self.next_member()?.is_some() {
            self.rest = behind_values(self.rest, Some(b'}'))?;
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

    /// Steps over a value, and returns its text.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Option<&'a [u8]> {
        self.peek()?;
        let from_here = self.rest;
        self.rest = behind_values(from_here, None)?;
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

/// What comes behind a value. Where that is part of an array or an object, which ends with the bracket `around`, what comes behind
/// the whole of it.
fn behind_values(json: &[u8], around: Option<u8>) -> Option<&[u8]> {
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
            first => reader.rest = behind_number(first, reader.rest)?,
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

/// What comes behind a number, of which the first byte was read.
fn behind_number(first: u8, json: &[u8]) -> Option<&[u8]> {
    let (first, rest) =
        if first == b'-' { json.split_first().map(|(digit, rest)| (*digit, rest))? } else { (first, json) };
    let mut rest = match first {
        b'0' => rest,
        b'1'..=b'9' => behind_digits(rest),
        _ => return None,
    };
    if let [b'.', after @ ..] = rest {
        rest = behind_some_digits(after)?;
    }
    if let [b'e' | b'E', b'+' | b'-', after @ ..] | [b'e' | b'E', after @ ..] = rest {
        rest = behind_some_digits(after)?;
    }
    Some(rest)
}

fn behind_digits(json: &[u8]) -> &[u8] {
    let digits = json.iter().take_while(|byte| byte.is_ascii_digit()).count();
    &json[digits..]
}

fn behind_some_digits(json: &[u8]) -> Option<&[u8]> {
    let rest = behind_digits(json);
    (rest.len() < json.len()).then_some(rest)
}

#[cfg(test)]
mod tests;

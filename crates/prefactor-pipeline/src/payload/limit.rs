//! A [`serde_json`] formatter that limits strings and depth while the JSON is written.

use std::io::{self, Write};

use serde_json::ser::{CharEscape, CompactFormatter, Formatter};

/// What stands behind a string that was cut.
pub(super) const TRUNCATION_MARKER: &str = "…[truncated]";

/// Levels of nesting a payload may have. serde_json reads 128 by default, so an API would hardly take more, and a
/// value without end must not overflow the caller's stack.
pub(super) const MAX_DEPTH: usize = 128;

/// The key that marks an object as a sensitive value (API contract, Spans).
pub(super) const SENSITIVE_KEY: &str = "$sensitive";

/// Writes compact JSON, and on the way: cuts string values at a number of characters, refuses what is nested too
/// deeply, and notices sensitive values.
#[derive(Debug)]
pub(super) struct LimitingFormatter<'a> {
    max_length: usize,
    depth: usize,
    /// Characters of the current string value that may still be written; `None` outside of values that are limited.
    left: Option<usize>,
    cut: bool,
    in_key: bool,
    /// The depth of the sensitive object that is being written: of its strings only `value` is content.
    sensitive_depth: Option<usize>,
    sensitive_content: bool,
    saw_sensitive: &'a mut bool,
}

impl<'a> LimitingFormatter<'a> {
    pub(super) fn new(max_length: usize, saw_sensitive: &'a mut bool) -> Self {
        Self {
            max_length,
            depth: 0,
            left: None,
            cut: false,
            in_key: false,
            sensitive_depth: None,
            sensitive_content: false,
            saw_sensitive,
        }
    }

    fn open(&mut self) -> io::Result<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(io::Error::other("nested too deeply"));
        }
        Ok(())
    }

    fn is_limited(&self) -> bool {
        !self.in_key && (self.sensitive_depth.is_none() || self.sensitive_content)
    }
}

impl Formatter for LimitingFormatter<'_> {
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open()?;
        CompactFormatter.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.sensitive_depth == Some(self.depth) {
            self.sensitive_depth = None;
        }
        self.depth -= 1;
        CompactFormatter.end_object(writer)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open()?;
        CompactFormatter.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        CompactFormatter.end_array(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.in_key = true;
        CompactFormatter.begin_object_key(writer, first)
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.in_key = false;
        CompactFormatter.end_object_key(writer)
    }

    fn begin_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.left = self.is_limited().then_some(self.max_length);
        CompactFormatter.begin_string(writer)
    }

    fn end_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if std::mem::take(&mut self.cut) {
            writer.write_all(TRUNCATION_MARKER.as_bytes())?;
        }
        self.left = None;
        CompactFormatter.end_string(writer)
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if self.in_key {
            if fragment == SENSITIVE_KEY {
                *self.saw_sensitive = true;
                self.sensitive_depth.get_or_insert(self.depth);
            }
            if self.sensitive_depth == Some(self.depth) {
                self.sensitive_content = fragment == "value";
            }
        }
        let Some(left) = &mut self.left else {
            return writer.write_all(fragment.as_bytes());
        };
        let characters = fragment.chars().count();
        if characters <= *left {
            *left -= characters;
            return writer.write_all(fragment.as_bytes());
        }
        let end = fragment.char_indices().nth(*left).map_or(fragment.len(), |(index, _)| index);
        self.cut = true;
        *left = 0;
        writer.write_all(&fragment.as_bytes()[..end])
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        match &mut self.left {
            Some(0) => {
                self.cut = true;
                Ok(())
            }
            left => {
                if let Some(left) = left {
                    *left -= 1;
                }
                CompactFormatter.write_char_escape(writer, escape)
            }
        }
    }
}

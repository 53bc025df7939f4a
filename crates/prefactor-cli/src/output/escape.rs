//! Texts of others, made harmless for a terminal: no control character reaches it, nor one that turns the line around.

use std::borrow::Cow;
use std::fmt::Write;

/// A text as one line. Line breaks are escaped too, so that nobody can add a line that looks like ours.
pub(crate) fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if is_harmful(character) {
            escaped.extend(character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

/// JSON that is escaped for programs already, made harmless for terminals as well: the same values, in other escapes.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    let harmful = |character: char| is_harmful(character) && character != '\n';
    if !text.contains(harmful) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        if harmful(character) {
            // All of them are in the basic plane, so one escape is enough.
            let _ = write!(escaped, "\\u{:04x}", u32::from(character));
        } else {
            escaped.push(character);
        }
    }
    Cow::Owned(escaped)
}

fn is_harmful(character: char) -> bool {
    let turns_around =
        matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let breaks_lines = matches!(character, '\u{2028}' | '\u{2029}');
    character.is_control() || turns_around || breaks_lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_stays_one_line_without_control_characters() {
        assert_eq!(
            line("\x1b[2Jgone\r\nerror: \u{9b}31m \u{202e}x"),
            r"\u{1b}[2Jgone\r\nerror: \u{9b}31m \u{202e}x"
        );
        assert!(matches!(line("schön 日本"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_keeps_its_values() {
        let value = serde_json::json!({ "a": "\u{9b}31m\u{7f}\u{1b}\u{202e}" });
        let text = serde_json::to_string_pretty(&value).unwrap();

        let harmless = json(&text);

        assert!(harmless.chars().all(|character| !is_harmful(character) || character == '\n'), "{harmless}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&harmless).unwrap(), value);
    }
}

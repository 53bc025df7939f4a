//! Colours, on a terminal only.

use std::env;
use std::io::{self, IsTerminal};

/// What a colour says here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Good,
    Bad,
    Busy,
    Faint,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Busy => "36",
            Self::Faint => "2",
        }
    }

    /// The colour of a status word of instances, spans, agents or outputs.
    pub(crate) fn of_status(status: &str) -> Option<Self> {
        match status {
            "complete" | "success" => Some(Self::Good),
            "failed" | "terminated" | "error" => Some(Self::Bad),
            "active" => Some(Self::Busy),
            "cancelled" | "pending" | "retired" | "dormant" | "not_processed" => Some(Self::Faint),
            _ => None,
        }
    }
}

/// Whether stdout shows colours: a terminal that does more than text, and no `NO_COLOR` (<https://no-color.org>).
pub(crate) fn on_stdout() -> bool {
    wanted(io::stdout().is_terminal(), |name| env::var(name).ok())
}

fn wanted(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let set = |name| variable(name).is_some_and(|value| !value.is_empty());
    terminal && !set("NO_COLOR") && variable("TERM").as_deref() != Some("dumb")
}

pub(crate) fn paint(text: &str, colour: Option<Colour>) -> String {
    match colour {
        Some(colour) if !text.is_empty() => format!("\x1b[{}m{text}\x1b[0m", colour.code()),
        _ => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_for_terminals_that_want_them() {
        let with = |terminal, variables: &'static [(&str, &str)]| {
            wanted(terminal, |name| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
            })
        };

        assert!(with(true, &[("TERM", "xterm")]));
        assert!(with(true, &[("NO_COLOR", "")]));
        assert!(!with(true, &[("NO_COLOR", "1")]));
        assert!(!with(true, &[("TERM", "dumb")]));
        assert!(!with(false, &[]));
    }
}

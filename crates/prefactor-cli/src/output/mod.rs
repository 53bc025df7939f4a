//! What a command prints on stdout: tables and records for people, JSON for programs, or ids alone.
//!
//! Everything here returns the error of a closed pipe instead of panicking; see [`Failure`].

pub(crate) mod colour;
pub(crate) mod escape;
mod json;
mod list;
mod record;
mod shown;
mod stderr;
mod table;
pub(crate) mod time;
pub(crate) mod tree;

use std::io::{self, BufWriter, StdoutLock, Write};

use serde::Serialize;

use crate::failure::Failure;

pub(crate) use list::List;
pub(crate) use shown::{Cell, Shown};
pub(crate) use stderr::say;

/// Flattened into the arguments of every command that prints things.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print JSON: one document, or one per line for lists.
    #[arg(long)]
    json: bool,

    /// Print ids alone, one per line.
    #[arg(long, conflicts_with = "json")]
    ids: bool,
}

/// For commands whose output has no ids.
#[derive(Debug, Clone, Copy, clap::Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct JsonArgs {
    /// Print JSON: one document, or one per line for lists.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Human,
    Json,
    Ids,
}

impl From<OutputArgs> for Format {
    fn from(args: OutputArgs) -> Self {
        if args.ids {
            Self::Ids
        } else if args.json {
            Self::Json
        } else {
            Self::Human
        }
    }
}

impl From<JsonArgs> for Format {
    fn from(args: JsonArgs) -> Self {
        if args.json { Self::Json } else { Self::Human }
    }
}

/// Stdout, in the wanted format. What was written is flushed by [`Out::flush`] or at the end of a list.
#[derive(Debug)]
pub(crate) struct Out {
    stdout: BufWriter<StdoutLock<'static>>,
    format: Format,
    colours: bool,
}

impl Out {
    pub(crate) fn new(format: impl Into<Format>) -> Self {
        Self {
            stdout: BufWriter::new(io::stdout().lock()),
            format: format.into(),
            colours: colour::on_stdout(),
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.format
    }

    /// One thing: a record, a document or its id.
    pub(crate) fn one<T: Shown>(&mut self, thing: &T) -> Result<(), Failure> {
        match self.format {
            Format::Human => record::write(&mut self.stdout, &thing.fields(), self.colours)?,
            Format::Json => json::document(&mut self.stdout, thing)?,
            Format::Ids => writeln!(self.stdout, "{}", escape::line(thing.id()))?,
        }
        self.flush()
    }

    /// Many things: a table, a document per line or their ids.
    pub(crate) fn list<T: Shown>(self) -> List<T> {
        List::new(self)
    }

    /// A document that stands alone.
    pub(crate) fn document(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        json::document(&mut self.stdout, value)?;
        self.flush()
    }

    /// One document of many, on a line of its own.
    pub(crate) fn json_line(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        Ok(json::line(&mut self.stdout, value)?)
    }

    /// A line for people.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.stdout, "{text}")?)
    }

    /// A text of our own, such as an order to the terminal.
    pub(crate) fn text(&mut self, text: &str) -> Result<(), Failure> {
        Ok(write!(self.stdout, "{text}")?)
    }

    /// A cell in its colour, if there are any.
    pub(crate) fn paint(&self, cell: &Cell) -> String {
        cell.painted(self.colours)
    }

    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        Ok(self.stdout.flush()?)
    }
}

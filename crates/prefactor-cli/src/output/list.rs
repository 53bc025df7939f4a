//! Many things, printed as they come.

use std::io::Write;
use std::marker::PhantomData;

use super::table::Table;
use super::{Format, Out, Shown, escape, json, say};
use crate::failure::Failure;

/// Prints each thing soon after it was pushed and keeps none for long.
#[derive(Debug)]
#[must_use = "the last rows are printed by `end`"]
pub(crate) struct List<T> {
    out: Out,
    table: Table,
    pushed: usize,
    things: PhantomData<fn(T)>,
}

impl<T: Shown> List<T> {
    pub(super) fn new(out: Out) -> Self {
        Self { out, table: Table::new(T::COLUMNS), pushed: 0, things: PhantomData }
    }

    pub(crate) fn push(&mut self, thing: &T) -> Result<(), Failure> {
        self.pushed += 1;
        let Out { stdout, format, colours } = &mut self.out;
        match format {
            Format::Human => self.table.push(thing.row(), stdout, *colours)?,
            Format::Json => json::line(stdout, thing)?,
            Format::Ids => writeln!(stdout, "{}", escape::line(thing.id()))?,
        }
        Ok(())
    }

    /// Prints what is left, so that a reader sees a page as soon as it is there.
    pub(crate) fn flush(&mut self) -> Result<(), Failure> {
        let Out { stdout, colours, .. } = &mut self.out;
        self.table.print(stdout, *colours)?;
        self.out.flush()
    }

    /// Stdout belongs to the list: that there is none is said beside it.
    pub(crate) fn end(mut self) -> Result<(), Failure> {
        self.flush()?;
        if self.pushed == 0 && self.out.format == Format::Human {
            say(format_args!("no {}", T::PLURAL));
        }
        Ok(())
    }
}

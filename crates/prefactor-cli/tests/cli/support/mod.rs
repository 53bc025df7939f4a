//! An API, the command, and what it said.

mod api;
mod command;
mod masked;
mod server;

pub(crate) use api::{Api, RUN, SPAN};
pub(crate) use command::{LIMIT, Said, lines_of, prefactor, run, run_with};
pub(crate) use masked::masked;
pub(crate) use server::Server;

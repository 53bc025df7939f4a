//! Why a command did not do what was asked, and the exit code that says so to scripts.

use std::error::Error;
use std::fmt;
use std::io;
use std::process::ExitCode;

use prefactor_http::{ClientError, FieldErrors, PrefactorError};

use crate::output::escape;

pub(crate) const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  failed
  2  wrong arguments or input
  3  not authorised: the token is unknown or may not do this
  4  not found
  5  refused: the API does not take the request as it is
  6  no answer, or the API is busy or broken: worth another try";

/// What an exit code says. The numbers are a promise to scripts: see [`EXIT_CODES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Exit {
    /// The reader of stdout has gone: it has what it wanted.
    ReaderGone = 0,
    Failed = 1,
    WrongArguments = 2,
    NotAuthorised = 3,
    NotFound = 4,
    Refused = 5,
    TryAgain = 6,
}

/// A failure in words for the user: what was wrong, where, and what to do. Harmless on a terminal.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// Empty when everything was said already.
    text: String,
    /// One line for each place that is wrong.
    places: Vec<String>,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl AsRef<str>) -> Self {
        Self { exit, text: escape::line(text.as_ref()).into_owned(), places: Vec::new(), hint: None }
    }

    /// An error, with what caused it.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self::new(Exit::Failed, chain(error))
    }

    pub(crate) fn wrong_arguments(text: impl AsRef<str>) -> Self {
        Self::new(Exit::WrongArguments, text)
    }

    /// Says nothing more: the output has told already what failed.
    pub(crate) fn told(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    /// One more place that is wrong.
    pub(crate) fn place(mut self, text: impl AsRef<str>) -> Self {
        self.places.push(escape::line(text.as_ref()).into_owned());
        self
    }

    /// What the user can do about it.
    pub(crate) fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.hint = Some(escape::line(hint.as_ref()).into_owned());
        self
    }

    pub(crate) fn is_told(&self) -> bool {
        self.text.is_empty()
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        for place in &self.places {
            write!(f, "\n  {place}")?;
        }
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

/// Of writing to stdout.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::told(Exit::ReaderGone),
            _ => Self::new(Exit::Failed, format!("the output can't be written: {error}")),
        }
    }
}

impl From<PrefactorError> for Failure {
    fn from(error: PrefactorError) -> Self {
        let exit = exit_for(&error);
        let mut failure = Self::new(exit, chain(&error));
        if let PrefactorError::Validation(error) = &error {
            for (field, errors) in error.errors() {
                failure = failure.place(format!("{field}: {}", field_errors(errors)));
            }
        }
        match hint_for(&error, exit) {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

fn exit_for(error: &PrefactorError) -> Exit {
    match error {
        _ if error.is_retryable() => Exit::TryAgain,
        PrefactorError::Auth(_) => Exit::NotAuthorised,
        PrefactorError::NotFound(_) => Exit::NotFound,
        PrefactorError::Validation(_) | PrefactorError::Api(_) => Exit::Refused,
        PrefactorError::Client(ClientError::Id { .. } | ClientError::IdempotencyKey(_)) => {
            Exit::WrongArguments
        }
        _ => Exit::Failed,
    }
}

fn hint_for(error: &PrefactorError, exit: Exit) -> Option<&'static str> {
    match exit {
        Exit::NotAuthorised if error.code() == Some("bad_authtoken") => {
            Some("check the token: --token, PREFACTOR_API_TOKEN or `prefactor profile list`")
        }
        Exit::NotAuthorised => Some(
            "lists, agents and `instances terminate` take an account-wide token, not one of a deployment",
        ),
        Exit::NotFound => Some("ids belong to one account: is it the right address and token?"),
        Exit::TryAgain if error.status().is_none() => {
            Some("check the address (--url, PREFACTOR_API_URL, `prefactor profile list`) and the network")
        }
        Exit::Failed if matches!(error, PrefactorError::ResponseContract(_)) => {
            Some("is the address that of a Prefactor API, and not of a web page or a proxy?")
        }
        _ => None,
    }
}

/// What is wrong with a field, in the API's words.
pub(crate) fn field_errors(errors: &FieldErrors) -> String {
    match errors {
        FieldErrors::Messages(messages) => messages.join(", "),
        FieldErrors::Fault { code, message } => format!("{message} ({code})"),
        FieldErrors::Other(value) => value.to_string(),
        other => format!("{other:?}"),
    }
}

/// An error with what caused it, on one line.
pub(crate) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // Some errors say the same as their source.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

//! Why a command did not do what was asked, and the exit code that says so to scripts.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use prefactor_http::{ClientError, FieldErrors, PrefactorError};

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
    Failed = 1,
    WrongArguments = 2,
    NotAuthorised = 3,
    NotFound = 4,
    Refused = 5,
    TryAgain = 6,
}

/// A failure in words for the user: what was wrong, and what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    /// Empty when everything was said already.
    text: String,
    hint: Option<String>,
}

impl Failure {
    pub(crate) fn new(exit: Exit, text: impl Into<String>) -> Self {
        Self { exit, text: text.into(), hint: None }
    }

    /// An error, with what caused it.
    pub(crate) fn of(error: &dyn Error) -> Self {
        Self::new(Exit::Failed, chain(error))
    }

    pub(crate) fn wrong_arguments(text: impl Into<String>) -> Self {
        Self::new(Exit::WrongArguments, text)
    }

    #[expect(dead_code, reason = "for commands that tell in their output what failed")]
    /// Says nothing more: the output has told already what failed.
    pub(crate) fn told(exit: Exit) -> Self {
        Self::new(exit, "")
    }

    #[expect(dead_code, reason = "for failures with a way out")]
    /// What the user can do about it.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
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
        match &self.hint {
            Some(hint) => write!(f, "\nhint: {hint}"),
            None => Ok(()),
        }
    }
}

impl From<PrefactorError> for Failure {
    fn from(error: PrefactorError) -> Self {
        let exit = match &error {
            _ if error.is_retryable() => Exit::TryAgain,
            PrefactorError::Auth(_) => Exit::NotAuthorised,
            PrefactorError::NotFound(_) => Exit::NotFound,
            PrefactorError::Validation(_) => Exit::Refused,
            PrefactorError::Api(api) if api.status() == 409 => Exit::Refused,
            PrefactorError::Client(ClientError::Id { .. }) => Exit::WrongArguments,
            _ => Exit::Failed,
        };
        let mut text = chain(&error);
        if let PrefactorError::Validation(error) = &error {
            for (field, errors) in error.errors() {
                text.push_str(&format!("\n  {field}: {}", field_errors(errors)));
            }
        }
        Self { hint: hint_for(&error, exit).map(str::to_owned), ..Self::new(exit, text) }
    }
}

fn hint_for(error: &PrefactorError, exit: Exit) -> Option<&'static str> {
    match (exit, error.status()) {
        (Exit::NotAuthorised, Some(403)) => Some(
            "this needs another token: lists, `terminate` and `agents` take an account-wide one, not a deployment's",
        ),
        (Exit::NotAuthorised, _) => {
            Some("check the token: --token, PREFACTOR_API_TOKEN or `prefactor profile list`")
        }
        (Exit::TryAgain, None) => Some(
            "check the address: --url, PREFACTOR_API_URL or `prefactor profile list`; `prefactor ping` tests it",
        ),
        (Exit::Failed, _) if matches!(error, PrefactorError::ResponseContract(_)) => {
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
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

//! What the handlers and the [`Emulator`](crate::Emulator) share.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::response::Response;
use chrono::Utc;

use crate::action::{Action, Scope};
use crate::error::ApiError;
use crate::faults::Injector;
use crate::handlers::response;
use crate::journal::Journal;
use crate::read::Text;
use crate::rules;
use crate::store::{Call, Store};

pub(crate) struct Shared {
    pub(crate) token: String,
    pub(crate) account_token: String,
    pub(crate) injector: Injector,
    pub(crate) journal: Journal,
    store: Mutex<Store>,
}

impl Shared {
    pub(crate) fn new(
        token: String,
        account_token: String,
        injector: Injector,
        journal: Journal,
        store: Store,
    ) -> Self {
        Self { token, account_token, injector, journal, store: Mutex::new(store) }
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn scope_of(&self, token: &str) -> Option<Scope> {
        if token == self.account_token {
            Some(Scope::Account)
        } else if token == self.token {
            Some(Scope::Deployment)
        } else {
            None
        }
    }

    /// Does one action and makes its answer a response.
    pub(crate) fn respond(
        &self,
        scope: Scope,
        action: Result<(Action<'_>, Option<Text<'_>>), ApiError>,
    ) -> Response {
        let mut out = Vec::with_capacity(1024);
        let done = action.and_then(|(action, key)| {
            key.as_deref().map_or(Ok(()), rules::check_idempotency_key)?;
            self.store().apply(Call { action, key, scope, now: Utc::now() }, &mut out)
        });
        match done {
            Ok(()) => response::json(200, out),
            Err(error) => response::error(&error),
        }
    }
}

/// Without the tokens.
impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("injector", &self.injector).finish_non_exhaustive()
    }
}

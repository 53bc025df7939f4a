//! Requests without a socket, for the fuzzer. No part of the API.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::body::{self, Body};
use axum::http::{Request, header};
use bytes::Bytes;
use chrono::Utc;
use prefactor_pfid::{Partition, Pfid};
use tower_service::Service;

use crate::emulator::{DEFAULT_ACCOUNT_TOKEN, DEFAULT_TOKEN};
use crate::faults::{Faults, Injector};
use crate::journal::Journal;
use crate::router;
use crate::shared::Shared;
use crate::store::{Ids, Store};

/// A new account in memory.
pub struct Workbench {
    router: Router,
    shared: Arc<Shared>,
}

impl Workbench {
    /// With the tokens that an emulator has by default.
    #[must_use]
    pub fn new(partition: Partition) -> Self {
        let shared = Arc::new(Shared::new(
            DEFAULT_TOKEN.to_owned(),
            DEFAULT_ACCOUNT_TOKEN.to_owned(),
            Injector::new(Faults::new()),
            Journal::new(16),
            Store::new(Ids::new(partition), Utc::now()),
            None,
        ));
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 80));
        Self { router: router::router(Arc::clone(&shared), address), shared }
    }

    /// The agent that the deployment-scoped token stands for.
    #[must_use]
    pub fn agent_id(&self) -> Pfid {
        self.shared.store().default_agent_id()
    }

    /// Status and body of the answer; `None` for a request that can't be one in HTTP.
    pub async fn call(&self, method: &str, path: &str, token: &str, body: Bytes) -> Option<(u16, Bytes)> {
        let authorization = format!("Bearer {token}");
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::AUTHORIZATION, authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::HOST, "127.0.0.1")
            .body(Body::from(body))
            .ok()?;
        let answer = match self.router.clone().call(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let status = answer.status().as_u16();
        Some((status, body::to_bytes(answer.into_body(), usize::MAX).await.ok()?))
    }
}

impl fmt::Debug for Workbench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workbench").finish_non_exhaustive()
    }
}

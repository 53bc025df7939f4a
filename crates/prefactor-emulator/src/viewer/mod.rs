//! The page at `/` that shows agents, their runs and the steps of a run while they happen.
//!
//! A single page of plain HTML, CSS and ES modules, embedded in the binary. It reads through small endpoints of its own
//! under `/__viewer`: compact rows for lists and waterfalls, a payload only when its span is opened. Notices of a few
//! bytes tell it that something has changed; it then asks for what it shows.
//!
//! It asks for no token, so it is only served on the loopback interface, to pages of its own (see [`guard`]).

mod assets;
mod cursor;
mod guard;
mod notices;
mod runs;
mod spans;
mod terminate;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;

use crate::error::ApiError;
use crate::handlers::response;
use crate::shared::Shared;

/// The page and its endpoints; only an explanation when others than this machine can reach `address`.
pub(crate) fn router(address: SocketAddr) -> Router<Arc<Shared>> {
    if !address.ip().is_loopback() {
        return Router::new().route("/", get(off));
    }
    Router::new()
        .route("/", get(assets::page))
        .route("/__viewer/assets/{name}", get(assets::file))
        .route("/__viewer/events", get(notices::events))
        .route("/__viewer/agents", get(runs::agents))
        .route("/__viewer/runs", get(runs::list))
        .route("/__viewer/runs/{id}", get(spans::of_run))
        .route("/__viewer/runs/{id}/terminate", post(terminate::terminate))
        .route("/__viewer/spans/{id}", get(spans::show))
        .route("/__viewer/{*path}", get(nothing))
        .layer(middleware::from_fn(guard::guard))
}

async fn off() -> Response {
    let text = "The viewer is off: it asks for no token, and this emulator listens on an address others can reach.\n\
                Let it listen on 127.0.0.1 and open that; from another machine, through an SSH tunnel.\n";
    let content_type = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (StatusCode::FORBIDDEN, content_type, text).into_response()
}

async fn nothing(Path(path): Path<String>) -> Response {
    response::error(&ApiError::new(404, "not_found", format!("There is nothing at /__viewer/{path}.")))
}

fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => response::json(200, body),
        Err(_) => response::error(&ApiError::of_status(500)),
    }
}

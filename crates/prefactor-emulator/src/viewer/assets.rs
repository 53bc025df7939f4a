//! The page's files, embedded.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use super::nothing;

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const JS: &str = "text/javascript; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! files {
    ($($name:literal: $content_type:expr),+ $(,)?) => {
        &[$(($name, $content_type, include_str!(concat!("assets/", $name)))),+]
    };
}

const FILES: &[(&str, &str, &str)] = files! {
    "icon.svg": SVG,
    "base.css": CSS,
    "runs.css": CSS,
    "run.css": CSS,
    "details.css": CSS,
    "main.js": JS,
    "api.js": JS,
    "coalesce.js": JS,
    "critical.js": JS,
    "details.js": JS,
    "dom.js": JS,
    "format.js": JS,
    "json.js": JS,
    "keys.js": JS,
    "live.js": JS,
    "minimap.js": JS,
    "range.js": JS,
    "route.js": JS,
    "run.js": JS,
    "runs.js": JS,
    "terminate.js": JS,
    "theme.js": JS,
    "tree.js": JS,
    "virtual.js": JS,
    "waterfall.js": JS,
    "welcome.js": JS,
};

pub(super) async fn page() -> Response {
    ([(header::CONTENT_TYPE, HTML)], include_str!("assets/index.html")).into_response()
}

pub(super) async fn file(Path(name): Path<String>) -> Response {
    match FILES.iter().find(|(known, ..)| *known == name) {
        Some((_, content_type, text)) => ([(header::CONTENT_TYPE, *content_type)], *text).into_response(),
        None => nothing(Path(format!("assets/{name}"))).await,
    }
}

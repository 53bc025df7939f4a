//! Keeps other sites out: their pages run in the same browser as ours, and the viewer asks for no token.
//!
//! - The `Host` must be a loopback name, so that a name of someone else that resolves to 127.0.0.1 (DNS rebinding) can't
//!   make its pages same-origin with ours.
//! - What a page of another origin asks for is refused; only the page itself may be opened from a link.
//! - What changes something must also carry a header that no form and no simple request can send.

use std::net::IpAddr;

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::error::ApiError;
use crate::handlers::response;

/// Everything comes from here, nothing runs or is styled inline, and text can't become markup.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
    require-trusted-types-for 'script'; trusted-types 'none'";

const MARK: HeaderName = HeaderName::from_static("x-prefactor-viewer");

const SENT_WITH_ALL: [(HeaderName, HeaderValue); 5] = [
    (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY)),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut answer = match check(request.method(), request.uri().path(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(reason) => response::error(&ApiError::new(403, "forbidden", reason)),
    };
    answer.headers_mut().extend(SENT_WITH_ALL);
    answer
}

fn check(method: &Method, path: &str, headers: &HeaderMap) -> Result<(), &'static str> {
    let text = |name: &HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or(""));
    let host = text(&header::HOST).unwrap_or("");
    if !is_loopback(host) {
        return Err("The viewer answers to localhost and loopback addresses only.");
    }
    if path != "/"
        && !matches!(text(&HeaderName::from_static("sec-fetch-site")), None | Some("same-origin" | "none"))
    {
        return Err("Another site's page may not use the viewer.");
    }
    if method == Method::GET || method == Method::HEAD {
        return Ok(());
    }
    // Pages always send their origin with a POST. What sends none is no page.
    if text(&header::ORIGIN).is_some_and(|origin| origin.strip_prefix("http://") != Some(host)) {
        return Err("Another site's page may not use the viewer.");
    }
    if !headers.contains_key(MARK) {
        return Err("Changes need the header X-Prefactor-Viewer.");
    }
    Ok(())
}

/// True for `localhost` and loopback addresses, with any port: it may have been forwarded.
fn is_loopback(host: &str) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.split_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(method: Method, path: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        check(&method, path, &headers).is_ok()
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:4010");
    const MARKED: (&str, &str) = ("x-prefactor-viewer", "1");

    #[test]
    fn only_loopback_names_are_answered() {
        for host in ["127.0.0.1:4010", "localhost", "LOCALHOST:1", "[::1]:4010", "[::1]", "127.9.9.9"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in
            ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", "[::2]"]
        {
            assert!(!is_loopback(host), "{host}");
        }
        assert!(!checked(Method::GET, "/", &[]));
    }

    #[test]
    fn another_site_may_link_to_the_page_but_read_nothing() {
        let cross_site = ("sec-fetch-site", "cross-site");

        assert!(checked(Method::GET, "/", &[HOST, cross_site]));
        assert!(!checked(Method::GET, "/__viewer/runs", &[HOST, cross_site]));
        assert!(!checked(Method::GET, "/__viewer/runs", &[HOST, ("sec-fetch-site", "same-site")]));
        assert!(checked(Method::GET, "/__viewer/runs", &[HOST, ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn a_change_needs_the_own_origin_and_the_header() {
        let path = "/__viewer/runs/x/terminate";
        let origin = ("origin", "http://127.0.0.1:4010");

        assert!(checked(Method::POST, path, &[HOST, MARKED, origin, ("sec-fetch-site", "same-origin")]));
        assert!(checked(Method::POST, path, &[HOST, MARKED]));
        assert!(!checked(Method::POST, path, &[HOST, origin]));
        assert!(!checked(Method::POST, path, &[HOST, MARKED, ("origin", "http://localhost:4010")]));
        assert!(!checked(Method::POST, path, &[HOST, MARKED, ("origin", "null")]));
        assert!(!checked(Method::POST, path, &[HOST, MARKED, origin, ("sec-fetch-site", "cross-site")]));
    }
}

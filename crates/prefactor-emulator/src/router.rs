//! Which handler serves what.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::middleware;
use axum::routing::{get, post};

use crate::gate;
use crate::handlers::{agents, bulk, control, instances, spans};
use crate::shared::Shared;
use crate::viewer;

/// The path of the faults document, outside the API and free of faults.
pub(crate) const FAULTS_PATH: &str = "/__faults";

/// The API and, beside it, what shows and steers the emulator at `address`: that needs no token and meets no fault, for
/// the emulator is a tool on the developer's own machine.
pub(crate) fn router(shared: Arc<Shared>, address: SocketAddr) -> Router {
    let api = Router::new()
        .route("/ping", get(control::ping))
        .route("/agent_instance", get(instances::list))
        .route("/agent_instance/register", post(instances::register))
        .route("/agent_instance/{id}", get(instances::show))
        .route("/agent_instance/{id}/start", post(instances::start))
        .route("/agent_instance/{id}/finish", post(instances::finish))
        .route("/agent_instance/{id}/record_quality", post(instances::record_quality))
        .route("/agent_instance/{id}/terminate", post(instances::terminate))
        .route("/agent_spans", get(spans::list).post(spans::create))
        .route("/agent_spans/{id}/finish", post(spans::finish))
        .route("/bulk", post(bulk::bulk))
        .route("/agent", get(agents::list).post(agents::create))
        .route("/agent/show", get(agents::show_by_query))
        .route("/agent/{id}", get(agents::show).put(agents::update).delete(agents::delete))
        .route("/agent/{id}/retire", post(agents::retire))
        .route("/agent/{id}/reinstate", post(agents::reinstate));
    let api = Router::new()
        .nest("/api/v1", api)
        .fallback(control::unknown_path)
        .method_not_allowed_fallback(control::wrong_method)
        .layer(middleware::from_fn_with_state(shared.clone(), gate::gate));
    let control = Router::new()
        .route("/__health", get(control::health))
        .route(FAULTS_PATH, get(control::show_faults).put(control::set_faults).delete(control::clear_faults))
        .method_not_allowed_fallback(control::wrong_method);
    Router::new().merge(control).merge(viewer::router(address)).merge(api).with_state(shared)
}

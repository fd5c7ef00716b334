//! What is where. A handler is at the path that its own description names.

use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{
    Api, admin, bills, credit_events, events, openapi, operation, policies, quarantine, reconcile, users,
};

/// What everybody may ask who reaches the port.
pub fn public() -> OpenApiRouter<Api> {
    OpenApiRouter::with_openapi(openapi::public())
        .routes(routes!(events::post))
        .routes(routes!(users::balance))
        .routes(routes!(users::state))
        .routes(routes!(users::wallet))
        .routes(routes!(users::entry))
        .routes(routes!(users::trace))
        .routes(routes!(users::authorize))
        .routes(routes!(users::search))
        .routes(routes!(bills::one))
        .routes(routes!(bills::all))
        .routes(routes!(reconcile::post))
        .routes(routes!(credit_events::list))
        .routes(routes!(quarantine::list))
        .routes(routes!(policies::list))
        .routes(routes!(policies::simulate))
        .routes(routes!(operation::ping))
        .routes(routes!(operation::healthz))
        .routes(routes!(operation::readyz))
        .routes(routes!(operation::metrics))
        .routes(routes!(openapi::get))
}

/// What administrators may do: all of that, and more.
pub fn admin() -> OpenApiRouter<Api> {
    let mut document = openapi::admin();
    let (router, public) = public().split_for_parts();
    document.merge(public);
    OpenApiRouter::with_openapi(document)
        .routes(routes!(admin::grant))
        .routes(routes!(admin::threshold))
        .routes(routes!(admin::agreement))
        .routes(routes!(policies::deploy))
        .routes(routes!(admin::redrive))
        .routes(routes!(admin::discard))
        .routes(routes!(admin::redrive_all))
        .routes(routes!(admin::discard_all))
        .routes(routes!(operation::components))
        .routes(routes!(operation::snapshot))
        .routes(routes!(operation::clock, operation::set_clock))
        .merge(OpenApiRouter::from(router))
}

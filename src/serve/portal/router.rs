//! Puts the pages together, with what stands before them.

use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Router, middleware};
use tower_http::compression::CompressionLayer;

use super::door::door;
use super::portal::Portal;
use super::{
    accounts, activity, approval, assets, audit, breaker, catalog, change, drift, findings, health,
    inbox, insights, item, judge, operating, overview, plan, proposals, provider, request, reveal,
    run, run_word, runs, service, service_word, services, settings, setup, sign_in, sign_out, task,
    theme, users,
};
use crate::serve::api::framed;

/// Answers the pages; it is what answers where nothing else does.
pub(in crate::serve) fn router(portal: Portal) -> Router {
    let app = portal.app().clone();
    let pages = Router::new()
        .route("/", get(overview::show))
        .route("/sign-in", get(sign_in::show).post(sign_in::take))
        .route("/sign-in/with/{provider}", get(provider::begin))
        .route("/sign-in/with/{provider}/callback", get(provider::end))
        .route("/services", get(services::show))
        .route("/services/{id}", get(service::show))
        .route("/services/{id}/change", get(request::show_change).post(request::take_change))
        .route("/services/{id}/reveal", post(reveal::take))
        .route("/services/{id}/wish/{word}", get(request::show_wish).post(request::take_wish))
        .route("/services/{id}/{word}", get(service_word::show).post(service_word::take))
        .route("/runs", get(runs::show))
        .route("/runs/{id}", get(run::show))
        .route("/runs/{id}/{word}", get(run_word::show).post(run_word::take))
        .route("/inbox", get(inbox::show))
        .route("/approvals", get(inbox::approvals))
        .route("/approvals/{number}", get(approval::show))
        .route("/approvals/{number}/{word}", post(approval::take))
        .route("/tasks", get(inbox::tasks))
        .route("/tasks/{number}", get(task::show))
        .route("/tasks/{number}/complete", post(task::take))
        .route("/catalog", get(catalog::show))
        .route("/catalog/items/{id}", get(item::show))
        .route("/catalog/bundles/{id}", get(item::bundle))
        .route("/catalog/items/{id}/request", get(request::item).post(request::take_item))
        .route("/catalog/bundles/{id}/request", get(request::bundle).post(request::take_bundle))
        .route("/requests", get(request::list))
        .route("/requests/{id}", get(request::one))
        .route("/requests/{id}/{word}", get(request::show_word).post(request::take_word))
        .route("/proposals", get(proposals::show))
        .route("/proposals/{id}", get(proposals::one))
        .route("/proposals/{id}/{word}", get(proposals::ask).post(proposals::take))
        .route("/activity", get(activity::show))
        .route("/insights", get(insights::show))
        .route("/inbox/approvals", post(inbox::grant_many))
        .route("/inbox/tasks", post(inbox::complete_many))
        .route("/inbox/history", get(inbox::history))
        .route("/settings/operating", get(operating::show))
        .route("/settings/breakers/{action}/{target}", get(breaker::show).post(breaker::take))
        .route("/findings", get(findings::show))
        .route("/drift", get(drift::show))
        .route("/audit", get(audit::show))
        .route("/audit/verify", get(audit::verify))
        .route("/status", get(health::show))
        .route("/settings", get(settings::show))
        .route("/settings/keys", post(settings::add_key))
        .route("/settings/keys/{id}/revoke", post(settings::revoke_key))
        .route("/settings/sessions/{id}/end", post(settings::end_session))
        .route("/settings/accounts/{provider}/unlink", post(accounts::unlink_own))
        .route("/settings/users", get(users::show).post(users::add))
        .route("/settings/users/{name}", get(users::one).post(users::change))
        .route("/settings/users/{name}/accounts/{provider}/unlink", post(accounts::unlink))
        .route("/plan", get(plan::show))
        .route("/plans/{digest}/{word}", get(judge::show_plan).post(judge::take_plan))
        .route("/changes/{digest}", get(change::show))
        .route("/changes/{digest}/{word}", get(judge::show_change).post(judge::take_change))
        .route("/setup", get(setup::show).post(setup::take))
        .route("/sign-out", post(sign_out::take))
        .route("/theme", post(theme::choose))
        .fallback(async || StatusCode::NOT_FOUND)
        .layer(middleware::from_fn_with_state(portal.clone(), door))
        .with_state(portal);
    pages
        .merge(assets::router())
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(app, framed))
}

//! Puts the resources of proposals together.

use utoipa_axum::router::OpenApiRouter;

use super::{list, one, words};
use crate::serve::api::app::App;

/// The routes of this folder.
pub(in crate::serve::api) fn routes() -> OpenApiRouter<App> {
    list::routes().merge(one::routes()).merge(words::routes())
}

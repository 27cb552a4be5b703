//! Proposals: what Trueline filed, or is about to file, and what people opened. Those on the forge of this machine are shown in
//! full, and words are said on them; those elsewhere are led to.

mod forge;
mod line;
mod list;
mod one;
#[cfg(test)]
mod tests;
mod words;

use utoipa_axum::router::OpenApiRouter;

use super::app::App;
#[cfg(test)]
pub(in crate::serve) use tests::proposed;

/// The routes of this folder.
pub(super) fn routes() -> OpenApiRouter<App> {
    list::routes().merge(one::routes()).merge(words::routes())
}

//! A decision that was recorded: what every word answers. Whoever drives acts on it within a second.

use serde::Serialize;
use utoipa::ToSchema;

use super::app::App;
use crate::serve::auth::Principal;
use crate::serve::problem::Problem;
use crate::store::DecisionKind;

/// A decision that was recorded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Recorded {
    /// Its number.
    decision: i64,
    /// Who said it.
    by: String,
    /// When.
    #[schema(format = DateTime)]
    at: String,
    /// Whether somebody drives, who acts on it; otherwise it waits for that.
    driven: bool,
}

impl Recorded {
    /// Records a decision, as whoever asks.
    pub(super) async fn record(
        app: &App,
        who: &Principal,
        decision: &DecisionKind,
    ) -> Result<Self, Problem> {
        let at = app.now();
        let number = app.store().decide_as(&who.actor, at, decision).await?;
        let driven = app.store().holder().await?.is_some();
        Ok(Self { decision: number, by: who.actor.name.clone(), at: at.to_string(), driven })
    }
}

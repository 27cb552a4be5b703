//! Keeps what is known of proposals where people find it: in the store, and in an issue of the catalog's repository
//! where that is on GitHub.

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::board::Board;
use super::gather::{Known, gather};
use super::text::markdown;
use crate::engine::Engine;
use crate::engine::filing::Place;
use crate::forge::github::IssueText;
use crate::run::Fault;
use crate::store::StoreError;

/// Under what the store remembers how proposals stand.
pub const BOARD: &str = "outgoing/board";

/// Under what the store remembers the issue.
const ISSUE: &str = "outgoing/issue";

const TITLE: &str = "Trueline: pull requests";

/// The issue that was kept last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct IssueNote {
    number: Option<u64>,
}

/// Looks how proposals stand, and says it.
pub struct Keeper {
    engine: Engine,
    /// Where the catalog is, where it is a repository.
    catalog: Option<String>,
    /// Whether an issue says it.
    has_issue: bool,
    known: Known,
    /// It took up what was shown before.
    began: bool,
    saved: Option<Board>,
}

impl Keeper {
    /// Makes it. `catalog` is where the catalog's repository is.
    pub fn new(engine: Engine, catalog: Option<String>, has_issue: bool) -> Self {
        Self { engine, catalog, has_issue, known: Known::default(), began: false, saved: None }
    }

    /// Looks once; what can't be said on the forge is told, and said the next time.
    pub async fn pass(&mut self) -> Result<Board, StoreError> {
        let (store, ports) = (&*self.engine.store, &self.engine.ports);
        if !self.began {
            let last: Option<Board> =
                store.review_note(BOARD).await?.and_then(|note| serde_json::from_value(note).ok());
            self.known.seed(&last.unwrap_or_default());
            self.began = true;
        }
        let board = gather(store, ports, self.catalog.as_deref(), &mut self.known).await?;
        if self.saved.as_ref() != Some(&board) {
            let note = json!(board);
            store.note_review(&self.engine.lease, BOARD, Some(&note)).await?;
            self.saved = Some(board.clone());
        }
        let kept = self.keep_issue(&board).await?;
        if let Err(fault) = kept {
            tracing::warn!(%fault, "the issue about pull requests can't be kept up to date");
        }
        Ok(board)
    }

    async fn keep_issue(&self, board: &Board) -> Result<Result<(), Fault>, StoreError> {
        let Some(catalog) = self.catalog.as_ref().filter(|_| self.has_issue) else {
            return Ok(Ok(()));
        };
        let place = match Place::find(&self.engine.ports, catalog).await {
            Ok(place) => place,
            Err(fault) => return Ok(Err(fault)),
        };
        let Some(github) = place.as_ref().and_then(Place::github) else { return Ok(Ok(())) };
        let store = &*self.engine.store;
        let note = store.review_note(ISSUE).await?;
        let note: IssueNote =
            note.and_then(|note| serde_json::from_value(note).ok()).unwrap_or_default();
        let marker = format!("dashboard {}", self.engine.catalog);
        let body = markdown(board);
        let text = IssueText { marker: &marker, title: TITLE, body: &body };
        // An issue that says nothing is no reason to write to anybody.
        let may_open = !board.lines.is_empty();
        let kept = match github.keep_issue(note.number, text, may_open).await {
            Ok(kept) => kept,
            Err(refused) => return Ok(Err(refused.into())),
        };
        let now = IssueNote { number: kept.map(|issue| issue.number) };
        if now != note {
            store.note_review(&self.engine.lease, ISSUE, Some(&json!(now))).await?;
        }
        Ok(Ok(()))
    }
}

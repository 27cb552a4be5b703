//! Definitions, stored once for all units and changes that hold them, by the hash of their text.
//!
//! The hash is not [`Definition::digest`]: that one leaves out what does not ask for convergence, such as
//! retries, and what is read back must be what was written. Definitions that nothing names any more stay;
//! there are as many as items had versions.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, PoisonError, Weak};

use serde_json::Value;
use sqlx::SqliteConnection;

use super::rows;
use super::write::Write;
use crate::catalog::{Mode, OnFailure};
use crate::digest::Digest;
use crate::reconcile::Definition;
use crate::store::StoreError;

/// Stands where a definition was taken out.
pub(super) static BLANK: LazyLock<Arc<Definition>> = LazyLock::new(|| {
    Arc::new(Definition {
        item: String::new(),
        version: String::new(),
        mode: Mode::Manual,
        on_failure: OnFailure::Stop,
        create: Vec::new(),
        update: None,
        delete: None,
        before: Vec::new(),
        after: Vec::new(),
        failure_hooks: Vec::new(),
        health: None,
        operations: std::collections::BTreeMap::new(),
        outputs: std::collections::BTreeMap::new(),
        metadata: Value::Null,
        immutable: Vec::new(),
        fields: Vec::new(),
        secret_fields: Vec::new(),
        manual: Vec::new(),
        dormant: Vec::new(),
        targets: None,
    })
});

/// Definitions that were read and are in use, by their content.
pub(super) type Loaded = HashMap<Digest, Arc<Definition>>;

/// Shares each definition among all that read it.
#[derive(Default)]
pub(super) struct Definitions {
    in_use: Mutex<HashMap<Digest, Weak<Definition>>>,
}

impl Definitions {
    /// Reads definitions, each at most once while it is in use.
    pub(super) async fn load(
        &self,
        connection: &mut SqliteConnection,
        catalog: &str,
        wanted: BTreeSet<Digest>,
    ) -> Result<Loaded, StoreError> {
        let (mut loaded, missing) = self.split(wanted);
        if missing.is_empty() {
            return Ok(loaded);
        }
        let found: Vec<(String, String)> = sqlx::query_as(
            "SELECT content, body FROM definitions
             WHERE catalog = $1 AND content IN (SELECT value FROM json_each($2))",
        )
        .bind(catalog)
        .bind(rows::to_json("definitions", &missing)?)
        .fetch_all(connection)
        .await
        .map_err(StoreError::database("reading definitions"))?;
        for (content, body) in found {
            let definition: Definition = rows::from_json("a definition", &body)?;
            loaded.insert(rows::digest(&content)?, Arc::new(definition));
        }
        self.remember(&loaded);
        Ok(loaded)
    }

    fn split(&self, wanted: BTreeSet<Digest>) -> (Loaded, Vec<Digest>) {
        let in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        let mut loaded = Loaded::new();
        let mut missing = Vec::new();
        for content in wanted {
            match in_use.get(&content).and_then(Weak::upgrade) {
                Some(definition) => drop(loaded.insert(content, definition)),
                None => missing.push(content),
            }
        }
        (loaded, missing)
    }

    fn remember(&self, loaded: &Loaded) {
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.retain(|_, definition| definition.strong_count() > 0);
        in_use.extend(loaded.iter().map(|(content, it)| (*content, Arc::downgrade(it))));
    }
}

/// Finds a definition among those that were read.
pub(super) fn find(loaded: &Loaded, content: &Digest) -> Result<Arc<Definition>, StoreError> {
    let found = loaded.get(content).cloned();
    found.ok_or_else(|| StoreError::Missing(format!("definition {}", content.short())))
}

/// Stores a definition, where it is new; returns what it is found by.
pub(super) async fn keep(
    write: &mut Write<'_>,
    definition: &Arc<Definition>,
) -> Result<Digest, StoreError> {
    let place = Arc::as_ptr(definition).addr();
    if let Some(content) = write.definitions.get(&place) {
        return Ok(*content);
    }
    let body = rows::to_json("a definition", definition)?;
    let content = Digest::of_bytes(body.as_bytes());
    sqlx::query(
        "INSERT INTO definitions (catalog, content, body) VALUES ($1, $2, $3)
         ON CONFLICT (catalog, content) DO NOTHING",
    )
    .bind(write.catalog)
    .bind(content.to_string())
    .bind(body)
    .execute(write.connection())
    .await
    .map_err(StoreError::database("writing a definition"))?;
    write.definitions.insert(place, content);
    Ok(content)
}

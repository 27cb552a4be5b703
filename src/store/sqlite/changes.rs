//! Changes as plans and runs hold them: frozen, stored once by the hash of their text.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::definitions::{self, BLANK, Definitions};
use super::rows;
use super::write::Write;
use crate::digest::Digest;
use crate::reconcile::Change;
use crate::store::StoreError;

/// A change without its definitions, and where they are found, unit by unit.
#[derive(Serialize, Deserialize)]
struct Frozen {
    change: Change,
    definitions: Vec<Digest>,
}

/// Stores changes, where they are new; returns what each is found by.
pub(super) async fn keep(
    write: &mut Write<'_>,
    changes: impl Iterator<Item = &Change>,
) -> Result<Vec<Digest>, StoreError> {
    let (mut contents, mut listed) = (Vec::new(), Vec::new());
    for change in changes {
        let mut frozen = Frozen { change: change.clone(), definitions: Vec::new() };
        for unit in &mut frozen.change.units {
            frozen.definitions.push(definitions::keep(write, &unit.definition).await?);
            unit.definition = Arc::clone(&BLANK);
        }
        let body = rows::to_json("a change", &frozen)?;
        let content = Digest::of_bytes(body.as_bytes());
        contents.push(content);
        listed.push([content.to_string(), body]);
    }
    for listed in rows::together(&listed) {
        let mut query =
            QueryBuilder::<Sqlite>::new("INSERT INTO changes (catalog, content, body) ");
        query.push_values(listed, |mut row, [content, body]| {
            row.push_bind(write.catalog).push_bind(content).push_bind(body);
        });
        query.push(" ON CONFLICT (catalog, content) DO NOTHING");
        let done = query.build().execute(write.connection()).await;
        done.map_err(StoreError::database("writing changes"))?;
    }
    Ok(contents)
}

/// Makes changes whole again, in their order.
pub(super) async fn thaw(
    known: &Definitions,
    connection: &mut SqliteConnection,
    catalog: &str,
    bodies: impl Iterator<Item = &str>,
) -> Result<Vec<Change>, StoreError> {
    let frozen: Vec<Frozen> =
        bodies.map(|body| rows::from_json("a change", body)).collect::<Result<_, _>>()?;
    let wanted = frozen.iter().flat_map(|it| it.definitions.iter().copied()).collect();
    let loaded = known.load(connection, catalog, wanted).await?;
    let whole = |Frozen { mut change, definitions }: Frozen| {
        for (unit, content) in change.units.iter_mut().zip(&definitions) {
            unit.definition = definitions::find(&loaded, content)?;
        }
        Ok(change)
    };
    frozen.into_iter().map(whole).collect()
}

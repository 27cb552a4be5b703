//! One transaction that writes: fenced by the lease, with the audit entries that tell about it.

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::Value;
use sqlx::{Connection as _, Sqlite, SqliteConnection, Transaction};

use super::boundary::{self, Side};
use super::writer::Writer;
use super::{audit, lease};
use crate::digest::Digest;
use crate::store::{AuditEntry, Lease, StoreError};

/// Who acts where no person does.
pub(super) const OURSELVES: &str = "trueline";

/// One transaction that writes; dropped without a commit, nothing of it took place.
pub(super) struct Write<'w> {
    transaction: Transaction<'w, Sqlite>,
    in_doubt: &'w mut bool,
    pub(super) catalog: &'w str,
    /// The last entry of the audit chain, once it is known.
    chain: Option<(i64, Digest)>,
    /// What is added to it with the commit.
    told: Vec<(AuditEntry, String)>,
    /// Definitions that this transaction stored already, by their place in memory.
    pub(super) definitions: HashMap<usize, Digest>,
    /// It tells of runs.
    pub(super) of_runs: bool,
}

impl<'w> Write<'w> {
    /// Begins a write that any process may do.
    pub(super) async fn begin(
        writer: &'w mut Writer,
        catalog: &'w str,
    ) -> Result<Self, StoreError> {
        let (connection, in_doubt) = writer.sound().await?;
        let transaction = connection.begin_with("BEGIN IMMEDIATE").await;
        let transaction = transaction.map_err(StoreError::database("beginning to write"))?;
        Ok(Self {
            transaction,
            in_doubt,
            catalog,
            chain: None,
            told: Vec::new(),
            definitions: HashMap::new(),
            of_runs: false,
        })
    }

    /// Begins a write of the driver; refuses a lease that was taken over or given back.
    pub(super) async fn fenced(
        writer: &'w mut Writer,
        catalog: &'w str,
        lease: &Lease,
    ) -> Result<Self, StoreError> {
        let mut write = Self::begin(writer, catalog).await?;
        lease::check(&mut write, lease).await?;
        Ok(write)
    }

    /// Returns the connection that the transaction runs on.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.transaction
    }

    /// Adds an entry to the audit chain.
    pub(super) async fn audit(
        &mut self,
        at: Timestamp,
        actor: &str,
        what: &str,
        detail: &Value,
    ) -> Result<(), StoreError> {
        let last = match self.chain {
            Some(last) => last,
            None => audit::last(self.catalog, &mut self.transaction).await?,
        };
        let told = audit::next(last, &audit::Told { at, actor, what, detail })?;
        self.chain = Some((told.0.seq, told.0.hash));
        self.told.push(told);
        Ok(())
    }

    /// Makes the write durable: it is on the disk when this returns.
    pub(super) async fn commit(mut self) -> Result<(), StoreError> {
        if !self.told.is_empty() {
            audit::append(self.catalog, &mut self.transaction, &self.told).await?;
        }
        if self.of_runs {
            boundary::pass(Side::Before);
        }
        let done = self.transaction.commit().await;
        done.map_err(StoreError::database("making a write durable"))?;
        *self.in_doubt = false;
        if self.of_runs {
            boundary::pass(Side::After);
        }
        Ok(())
    }
}

//! The connection that writes. After a write that failed it is opened anew: nobody knows what such a one still holds, and
//! what a disk said that it did not sync is never asked to be synced again.

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection};

use crate::store::StoreError;

/// The connection that writes, and how another one is made.
pub(super) struct Writer {
    connection: SqliteConnection,
    options: SqliteConnectOptions,
    /// A write began, and did not end well so far.
    pub(super) in_doubt: bool,
}

impl Writer {
    pub(super) fn new(connection: SqliteConnection, options: SqliteConnectOptions) -> Self {
        Self { connection, options, in_doubt: false }
    }

    /// Returns a connection that no failed write went through, and whether it is in doubt from now on.
    pub(super) async fn sound(&mut self) -> Result<(&mut SqliteConnection, &mut bool), StoreError> {
        if self.in_doubt {
            // The old one is there until the new one is, so that the log is not read as after a crash.
            let opened = self.options.connect().await;
            self.connection = opened.map_err(StoreError::database("opening it again"))?;
        }
        self.in_doubt = true;
        Ok((&mut self.connection, &mut self.in_doubt))
    }

    /// Returns the connection for what is no write of ours.
    pub(super) fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
    }

    /// Closes it in good order.
    pub(super) async fn close(self) -> Result<(), sqlx::Error> {
        self.connection.close().await
    }
}

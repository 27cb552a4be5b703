-- Requests that carried an idempotency key, with the answer that they got.
CREATE TABLE requests (
    catalog TEXT NOT NULL,
    who     TEXT NOT NULL,
    key     TEXT NOT NULL,
    digest  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    status  INTEGER,
    answer  TEXT,
    PRIMARY KEY (catalog, who, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX requests_at ON requests (catalog, at);

PRAGMA user_version = 11;

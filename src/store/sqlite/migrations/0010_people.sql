-- Who may use the API. Of keys, sessions and refresh tokens the hash is kept, never the secret.
CREATE TABLE users (
    catalog TEXT NOT NULL,
    name    TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (catalog, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE keys (
    catalog   TEXT NOT NULL,
    id        TEXT NOT NULL,
    owner     TEXT NOT NULL,
    body      TEXT NOT NULL,
    last_used INTEGER,
    PRIMARY KEY (catalog, id)
) STRICT, WITHOUT ROWID;

-- One chain of rotating tokens, or one browser, each.
CREATE TABLE sessions (
    catalog    TEXT NOT NULL,
    id         TEXT NOT NULL,
    owner      TEXT NOT NULL,
    kind       TEXT NOT NULL,
    body       TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    PRIMARY KEY (catalog, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_owner ON sessions (catalog, owner);
CREATE INDEX sessions_expiry ON sessions (catalog, expires_at);

-- Secrets of sessions by their hash; a refresh token that was used stays, so that its second use is seen.
CREATE TABLE secrets (
    catalog TEXT NOT NULL,
    hash    TEXT NOT NULL,
    session TEXT NOT NULL,
    used_at INTEGER,
    PRIMARY KEY (catalog, hash),
    FOREIGN KEY (catalog, session) REFERENCES sessions (catalog, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX secrets_session ON secrets (catalog, session);

PRAGMA user_version = 10;

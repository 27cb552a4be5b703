-- Everything that is remembered of a catalog. Every key begins with the catalog; times are milliseconds.

-- Who drives, and the token that every write of a driver carries.
CREATE TABLE lease (
    catalog TEXT NOT NULL PRIMARY KEY,
    token   INTEGER NOT NULL,
    holder  TEXT
) STRICT, WITHOUT ROWID;

CREATE TABLE catalogs (
    catalog TEXT NOT NULL PRIMARY KEY,
    state   TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE last_good (
    catalog TEXT NOT NULL,
    kind    TEXT NOT NULL,
    id      TEXT NOT NULL,
    path    TEXT NOT NULL,
    blob    TEXT NOT NULL,
    bytes   BLOB NOT NULL,
    PRIMARY KEY (catalog, kind, id)
) STRICT;

-- How things are done, once for all units and changes that are done alike: by the hash of the text.
CREATE TABLE definitions (
    catalog TEXT NOT NULL,
    content TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (catalog, content)
) STRICT;

-- The columns are what a tick over a catalog in sync reads; the record is read for units in question. A tick
-- reads them as lines, each value with its length in bytes before it, from their index alone: a row for each unit
-- would cost it more than all of its other work.
CREATE TABLE units (
    catalog    TEXT NOT NULL,
    key        TEXT NOT NULL,
    uid        TEXT NOT NULL,
    intent     TEXT,
    definition TEXT,
    drifted    INTEGER NOT NULL,
    held       INTEGER NOT NULL,
    retained   INTEGER NOT NULL,
    record     TEXT NOT NULL,
    line       TEXT NOT NULL GENERATED ALWAYS AS (
        octet_length(key) || ':' || key || octet_length(uid) || ':' || uid
        || CASE WHEN intent IS NULL OR definition IS NULL THEN '0:0:'
           ELSE octet_length(intent) || ':' || intent || octet_length(definition) || ':' || definition END
        || '3:' || drifted || held || retained) VIRTUAL,
    PRIMARY KEY (catalog, key)
) STRICT;

CREATE INDEX units_lines ON units (catalog, key, line);

-- Changes, once for all plans and runs that hold them: by the hash of the text.
CREATE TABLE changes (
    catalog TEXT NOT NULL,
    content TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (catalog, content)
) STRICT;

CREATE TABLE plans (
    catalog TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    digest  TEXT NOT NULL,
    at      INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (catalog, seq)
) STRICT;

CREATE UNIQUE INDEX plans_digest ON plans (catalog, digest);

CREATE TABLE plan_changes (
    catalog  TEXT NOT NULL,
    plan     INTEGER NOT NULL,
    position INTEGER NOT NULL,
    digest   TEXT NOT NULL,
    content  TEXT NOT NULL,
    PRIMARY KEY (catalog, plan, position),
    FOREIGN KEY (catalog, plan) REFERENCES plans (catalog, seq) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE INDEX plan_changes_digest ON plan_changes (catalog, digest);
CREATE INDEX plan_changes_content ON plan_changes (catalog, content);

CREATE TABLE decisions (
    catalog TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    who     TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (catalog, seq)
) STRICT;

CREATE TRIGGER decisions_stay BEFORE UPDATE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;
CREATE TRIGGER decisions_remain BEFORE DELETE ON decisions
BEGIN SELECT RAISE(ABORT, 'decisions are only ever added'); END;

CREATE TABLE runs (
    catalog    TEXT NOT NULL,
    id         TEXT NOT NULL,
    seq        INTEGER NOT NULL,
    service    TEXT NOT NULL,
    kind       TEXT NOT NULL,
    state      TEXT NOT NULL,
    digest     TEXT NOT NULL,
    content    TEXT NOT NULL,
    effect     INTEGER NOT NULL,
    revision   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    why        TEXT,
    PRIMARY KEY (catalog, id),
    FOREIGN KEY (catalog, content) REFERENCES changes (catalog, content)
) STRICT;

CREATE UNIQUE INDEX runs_seq ON runs (catalog, seq);
CREATE INDEX runs_service ON runs (catalog, service, seq);
CREATE INDEX runs_state ON runs (catalog, state, seq);
CREATE INDEX runs_content ON runs (catalog, content);

CREATE TABLE journal (
    catalog TEXT NOT NULL,
    run     TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    event   TEXT NOT NULL,
    PRIMARY KEY (catalog, run, seq),
    FOREIGN KEY (catalog, run) REFERENCES runs (catalog, id)
) STRICT;

CREATE TABLE tasks (
    catalog      TEXT NOT NULL,
    number       INTEGER NOT NULL,
    run          TEXT NOT NULL,
    step         TEXT NOT NULL,
    service      TEXT NOT NULL,
    title        TEXT NOT NULL,
    instructions TEXT NOT NULL,
    outputs      TEXT NOT NULL,
    state        TEXT NOT NULL,
    created_at   INTEGER NOT NULL,
    done_by      TEXT,
    PRIMARY KEY (catalog, number)
) STRICT;

CREATE UNIQUE INDEX tasks_step ON tasks (catalog, run, step);
CREATE INDEX tasks_state ON tasks (catalog, state, number);

CREATE TABLE proposals (
    catalog    TEXT NOT NULL,
    repository TEXT NOT NULL,
    number     INTEGER NOT NULL,
    run        TEXT,
    service    TEXT NOT NULL,
    PRIMARY KEY (catalog, repository, number)
) STRICT;

CREATE TABLE audit (
    catalog  TEXT NOT NULL,
    seq      INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    actor    TEXT NOT NULL,
    what     TEXT NOT NULL,
    detail   TEXT NOT NULL,
    previous TEXT NOT NULL,
    hash     TEXT NOT NULL,
    PRIMARY KEY (catalog, seq)
) STRICT;

CREATE TRIGGER audit_stays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit chain is only ever added to'); END;
CREATE TRIGGER audit_remains BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit chain is only ever added to'); END;

PRAGMA application_id = 1414679630;
PRAGMA user_version = 1;

-- What people were asked to approve in the middle of a run. Their words are decisions, found by its number.
CREATE TABLE approvals (
    catalog    TEXT NOT NULL,
    number     INTEGER NOT NULL,
    run        TEXT NOT NULL,
    step       TEXT NOT NULL,
    service    TEXT NOT NULL,
    ask        TEXT NOT NULL,
    may        TEXT NOT NULL,
    state      TEXT NOT NULL,
    why        TEXT,
    opened_at  INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (catalog, number)
) STRICT;

CREATE UNIQUE INDEX approvals_step ON approvals (catalog, run, step);
CREATE INDEX approvals_state ON approvals (catalog, state, number);

ALTER TABLE decisions ADD COLUMN approval INTEGER
    GENERATED ALWAYS AS (json_extract(body, '$.approval')) VIRTUAL;

CREATE INDEX decisions_approval ON decisions (catalog, approval, seq) WHERE approval IS NOT NULL;

PRAGMA user_version = 4;

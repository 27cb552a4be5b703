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

-- What steps wait for outside, written with their journal, so that it is taken back once nobody wants it any more.
-- `adrift` says that the step was called off; `settled` that it could not be taken back, and how that ended.
CREATE TABLE waits (
    catalog    TEXT NOT NULL,
    run        TEXT NOT NULL,
    step       TEXT NOT NULL,
    service    TEXT NOT NULL,
    action     TEXT NOT NULL,
    thing      TEXT NOT NULL,
    wait       TEXT NOT NULL,
    adrift     INTEGER NOT NULL,
    tries      INTEGER NOT NULL,
    settled    TEXT,
    settled_at INTEGER,
    why        TEXT,
    PRIMARY KEY (catalog, run, step)
) STRICT;

CREATE INDEX waits_thing ON waits (catalog, service, thing);
CREATE INDEX waits_adrift ON waits (catalog, adrift, settled);

-- Proposals that runs wait for, or left behind.
INSERT INTO waits (catalog, run, step, service, action, thing, wait, adrift, tries)
SELECT proposals.catalog, proposals.run, proposals.step, proposals.service, 'git-commit',
       'proposal ' || proposals.repository || '#' || proposals.number,
       json_object('on', 'proposal', 'what', 'proposal ' || proposals.number,
                   'reference', json_object('repository', proposals.repository, 'number', proposals.number)),
       runs.state IN ('superseded', 'cancelled', 'failed', 'needs-decision'), 0
FROM proposals JOIN runs ON runs.catalog = proposals.catalog AND runs.id = proposals.run
WHERE proposals.settled IS NULL AND proposals.step IS NOT NULL AND runs.state <> 'succeeded'
ON CONFLICT DO NOTHING;

PRAGMA user_version = 4;

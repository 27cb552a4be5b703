-- What was done is listed by day, team and item, and counted as it happens: a chain of millions is not walked for a page, and
-- what is counted stays when runs are forgotten.
ALTER TABLE runs ADD COLUMN team TEXT;
ALTER TABLE runs ADD COLUMN item TEXT;

UPDATE runs SET
    team = (SELECT changes.body ->> '$.change.team' FROM changes
            WHERE changes.catalog = runs.catalog AND changes.content = runs.content),
    item = (SELECT definitions.body ->> '$.item' FROM changes JOIN definitions
            ON definitions.catalog = changes.catalog AND definitions.content = changes.body ->> '$.definitions[0]'
            WHERE changes.catalog = runs.catalog AND changes.content = runs.content);

-- Entries of the audit chain that people want to hear of: `number` is 256 times that of the entry, and the place among the
-- services that it is about.
CREATE TABLE activity (
    catalog TEXT NOT NULL,
    number  INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    service TEXT NOT NULL,
    team    TEXT,
    item    TEXT,
    run     TEXT,
    kind    TEXT,
    took    INTEGER,
    PRIMARY KEY (catalog, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX activity_at ON activity (catalog, at, number);
CREATE INDEX activity_service ON activity (catalog, service, number);
CREATE INDEX activity_team ON activity (catalog, team, number);
CREATE INDEX activity_item ON activity (catalog, item, number);

-- Runs that ended, by the day, and by the day and the item; one that was retried ended more than once.
CREATE TABLE ended_days (
    catalog TEXT NOT NULL,
    day     INTEGER NOT NULL,
    team    TEXT NOT NULL,
    state   TEXT NOT NULL,
    by_hand INTEGER NOT NULL,
    ended   INTEGER NOT NULL,
    PRIMARY KEY (catalog, day, team, state, by_hand)
) STRICT, WITHOUT ROWID;

CREATE TABLE ended_items (
    catalog TEXT NOT NULL,
    day     INTEGER NOT NULL,
    team    TEXT NOT NULL,
    item    TEXT NOT NULL,
    state   TEXT NOT NULL,
    ended   INTEGER NOT NULL,
    PRIMARY KEY (catalog, day, team, item, state)
) STRICT, WITHOUT ROWID;

-- Steps that failed for good, by the day and the type of their action.
CREATE TABLE failed_steps (
    catalog TEXT NOT NULL,
    day     INTEGER NOT NULL,
    team    TEXT NOT NULL,
    action  TEXT NOT NULL,
    failed  INTEGER NOT NULL,
    PRIMARY KEY (catalog, day, team, action)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER activity_of_runs AFTER INSERT ON audit
WHEN NEW.what IN ('run.succeeded', 'run.failed', 'run.needs-decision', 'run.parked', 'run.superseded', 'run.cancelled',
                  'run.rolled-back', 'run.cancel', 'run.pause', 'run.resume', 'run.retry', 'run.redrive', 'run.escalate',
                  'run.rollback', 'run.decide')
BEGIN
    INSERT INTO activity (catalog, number, at, service, team, item, run, kind, took)
    SELECT NEW.catalog, NEW.seq * 256, NEW.at, runs.service, runs.team, runs.item, runs.id, runs.kind,
           CASE WHEN NEW.what = 'run.succeeded' THEN max(0, NEW.at - runs.created_at) END
    FROM runs WHERE runs.catalog = NEW.catalog AND runs.id = NEW.detail ->> 'run';
END;

CREATE TRIGGER activity_of_services AFTER INSERT ON audit
WHEN NEW.what IN ('hold', 'release', 'adopt', 'forget', 'operate', 'apply', 'break-glass', 'request.submitted',
                  'request.rejected', 'request.aborted', 'proposal.approve', 'proposal.request-changes', 'proposal.comment',
                  'proposal.merge', 'proposal.close') AND NEW.detail ->> 'service' IS NOT NULL
BEGIN
    INSERT INTO activity (catalog, number, at, service, team, item)
    SELECT NEW.catalog, NEW.seq * 256, NEW.at, NEW.detail ->> 'service',
           coalesce(newest.team, (SELECT asked.team FROM service_requests asked
                                  WHERE asked.catalog = NEW.catalog AND asked.id = NEW.detail ->> 'request')),
           coalesce(newest.item, NEW.detail ->> 'offer')
    FROM (SELECT 1) LEFT JOIN runs newest ON newest.catalog = NEW.catalog AND newest.seq = (
        SELECT max(known.seq) FROM runs known
        WHERE known.catalog = NEW.catalog AND known.service = NEW.detail ->> 'service');
END;

CREATE TRIGGER activity_of_tasks AFTER INSERT ON audit WHEN NEW.what = 'task.completed'
BEGIN
    INSERT INTO activity (catalog, number, at, service, team, item, run)
    SELECT NEW.catalog, NEW.seq * 256, NEW.at, runs.service, runs.team, runs.item, runs.id
    FROM tasks JOIN runs ON runs.catalog = tasks.catalog AND runs.id = tasks.run
    WHERE tasks.catalog = NEW.catalog AND tasks.number = NEW.detail ->> 'task';
END;

CREATE TRIGGER activity_of_approvals AFTER INSERT ON audit WHEN NEW.what IN ('approval.grant', 'approval.reject')
BEGIN
    INSERT INTO activity (catalog, number, at, service, team, item, run)
    SELECT NEW.catalog, NEW.seq * 256, NEW.at, runs.service, runs.team, runs.item, runs.id
    FROM approvals JOIN runs ON runs.catalog = approvals.catalog AND runs.id = approvals.run
    WHERE approvals.catalog = NEW.catalog AND approvals.number = NEW.detail ->> 'approval';
END;

-- A word on a plan is about many services: the first of them are listed.
CREATE TRIGGER activity_of_plans AFTER INSERT ON audit WHEN NEW.what IN ('approve', 'reject')
BEGIN
    INSERT OR IGNORE INTO activity (catalog, number, at, service, team, item)
    SELECT NEW.catalog, NEW.seq * 256 + said.key, NEW.at, changes.body ->> '$.change.service',
           changes.body ->> '$.change.team', changes.body ->> '$.change.offer'
    FROM json_each(NEW.detail, '$.changes') said
    JOIN changes ON changes.catalog = NEW.catalog AND changes.content = (
        SELECT content FROM plan_changes held
        WHERE held.catalog = NEW.catalog AND held.digest = said.value LIMIT 1)
    WHERE said.key < 200;
END;

CREATE TRIGGER outcome_of_runs AFTER INSERT ON audit
WHEN NEW.what IN ('run.succeeded', 'run.failed', 'run.needs-decision', 'run.parked', 'run.superseded', 'run.cancelled',
                  'run.rolled-back')
BEGIN
    INSERT INTO ended_days (catalog, day, team, state, by_hand, ended)
    SELECT NEW.catalog, NEW.at / 86400000, coalesce(runs.team, ''), substr(NEW.what, 5),
           EXISTS (SELECT 1 FROM tasks WHERE tasks.catalog = NEW.catalog AND tasks.run = runs.id)
           OR EXISTS (SELECT 1 FROM approvals WHERE approvals.catalog = NEW.catalog AND approvals.run = runs.id), 1
    FROM runs WHERE runs.catalog = NEW.catalog AND runs.id = NEW.detail ->> 'run'
    ON CONFLICT DO UPDATE SET ended = ended + 1;
    INSERT INTO ended_items (catalog, day, team, item, state, ended)
    SELECT NEW.catalog, NEW.at / 86400000, coalesce(runs.team, ''), coalesce(runs.item, ''), substr(NEW.what, 5), 1
    FROM runs WHERE runs.catalog = NEW.catalog AND runs.id = NEW.detail ->> 'run'
    ON CONFLICT DO UPDATE SET ended = ended + 1;
END;

CREATE TRIGGER failures_of_steps AFTER INSERT ON audit
WHEN NEW.what IN ('step.failed', 'step.needs-decision') AND NEW.detail ->> 'action' IS NOT NULL
BEGIN
    INSERT INTO failed_steps (catalog, day, team, action, failed)
    SELECT NEW.catalog, NEW.at / 86400000, coalesce(runs.team, ''), NEW.detail ->> 'action', 1
    FROM runs WHERE runs.catalog = NEW.catalog AND runs.id = NEW.detail ->> 'run'
    ON CONFLICT DO UPDATE SET failed = failed + 1;
END;

-- What ended before there was this table: as far as its runs are still known.
INSERT OR IGNORE INTO activity (catalog, number, at, service, team, item, run, kind, took)
SELECT audit.catalog, audit.seq * 256, audit.at, runs.service, runs.team, runs.item, runs.id, runs.kind,
       CASE WHEN audit.what = 'run.succeeded' THEN max(0, audit.at - runs.created_at) END
FROM audit JOIN runs ON runs.catalog = audit.catalog AND runs.id = audit.detail ->> 'run'
WHERE audit.what IN ('run.succeeded', 'run.failed', 'run.needs-decision', 'run.parked', 'run.superseded', 'run.cancelled',
                     'run.rolled-back');

INSERT INTO ended_days (catalog, day, team, state, by_hand, ended)
SELECT catalog, updated_at / 86400000, coalesce(team, ''), state,
       EXISTS (SELECT 1 FROM tasks WHERE tasks.catalog = runs.catalog AND tasks.run = runs.id)
       OR EXISTS (SELECT 1 FROM approvals WHERE approvals.catalog = runs.catalog AND approvals.run = runs.id), 1
FROM runs WHERE state NOT IN ('queued', 'running', 'waiting', 'paused', 'rolling-back')
ON CONFLICT DO UPDATE SET ended = ended + 1;

INSERT INTO ended_items (catalog, day, team, item, state, ended)
SELECT catalog, updated_at / 86400000, coalesce(team, ''), coalesce(item, ''), state, 1
FROM runs WHERE state NOT IN ('queued', 'running', 'waiting', 'paused', 'rolling-back')
ON CONFLICT DO UPDATE SET ended = ended + 1;

PRAGMA user_version = 13;

-- A step that a person has done again asks once more: it has one task and one approval that is open, and any number
-- that have ended.
DROP INDEX tasks_step;
CREATE UNIQUE INDEX tasks_step ON tasks (catalog, run, step) WHERE state = 'open';
CREATE INDEX tasks_service ON tasks (catalog, service, step) WHERE state = 'open';

DROP INDEX approvals_step;
CREATE UNIQUE INDEX approvals_step ON approvals (catalog, run, step) WHERE state = 'open';
CREATE INDEX approvals_run ON approvals (catalog, run, step, number);

PRAGMA user_version = 6;

-- Whether a person had a hand in a run is asked at its end, of tasks in any state.
CREATE INDEX tasks_run ON tasks (catalog, run);

PRAGMA user_version = 14;

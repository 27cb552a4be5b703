-- Circuit breakers that have something to remember: an open one stays open when the process ends.
CREATE TABLE breakers (
    catalog TEXT NOT NULL,
    action  TEXT NOT NULL,
    target  TEXT NOT NULL,
    breaker TEXT NOT NULL,
    PRIMARY KEY (catalog, action, target)
) STRICT;

PRAGMA user_version = 7;

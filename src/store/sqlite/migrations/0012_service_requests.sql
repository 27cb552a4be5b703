-- What people ask of the catalog: the file that is proposed, and how far that is.
CREATE TABLE service_requests (
    catalog TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    id      TEXT NOT NULL,
    service TEXT NOT NULL,
    who     TEXT NOT NULL,
    team    TEXT NOT NULL,
    branch  TEXT NOT NULL,
    state   TEXT NOT NULL,
    open    INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (catalog, seq)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX service_requests_id ON service_requests (catalog, id);
CREATE INDEX service_requests_branch ON service_requests (catalog, branch);
CREATE INDEX service_requests_service ON service_requests (catalog, service, seq);
CREATE INDEX service_requests_who ON service_requests (catalog, who, seq);
CREATE INDEX service_requests_open ON service_requests (catalog, seq) WHERE open = 1;

PRAGMA user_version = 12;

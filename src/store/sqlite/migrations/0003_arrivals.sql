-- What others posted: each once, by the name it has there. Bodies are sealed.
CREATE TABLE arrivals (
    catalog TEXT NOT NULL,
    seq     INTEGER NOT NULL,
    id      TEXT NOT NULL,
    at      INTEGER NOT NULL,
    about   TEXT NOT NULL,
    body    TEXT,
    PRIMARY KEY (catalog, seq),
    UNIQUE (catalog, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX arrivals_about ON arrivals (catalog, about, seq);
CREATE INDEX arrivals_at ON arrivals (catalog, at);

PRAGMA user_version = 3;

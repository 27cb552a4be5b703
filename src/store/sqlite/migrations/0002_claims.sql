-- What each unit has in the outside world, so that another one that claims it is refused.
CREATE TABLE claims (
    catalog TEXT NOT NULL,
    claim   TEXT NOT NULL,
    unit    TEXT NOT NULL,
    PRIMARY KEY (catalog, claim, unit)
) STRICT, WITHOUT ROWID;

CREATE INDEX claims_unit ON claims (catalog, unit);

-- Which step filed a proposal, and what became of it once its run ended without it.
ALTER TABLE proposals ADD COLUMN step TEXT;
ALTER TABLE proposals ADD COLUMN settled TEXT;

PRAGMA user_version = 2;

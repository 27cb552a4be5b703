-- Services are listed page by page: the units of one are found by its id.
ALTER TABLE units ADD COLUMN service TEXT GENERATED ALWAYS AS (
    CASE instr(key, '/') WHEN 0 THEN key ELSE substr(key, 1, instr(key, '/') - 1) END) VIRTUAL;

CREATE INDEX units_service ON units (catalog, service);

PRAGMA user_version = 9;

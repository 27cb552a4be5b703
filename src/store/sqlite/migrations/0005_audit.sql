-- The audit chain is listed by service, by person and by time; a chain of millions must not be read for a page.
CREATE INDEX audit_service ON audit (catalog, detail ->> 'service', seq) WHERE detail ->> 'service' IS NOT NULL;
CREATE INDEX audit_actor ON audit (catalog, actor, seq) WHERE actor <> 'trueline';
CREATE INDEX audit_at ON audit (catalog, at, seq);

PRAGMA user_version = 5;

-- What is remembered of reviews: what was shown for which head, what was answered, what owners did not approve.
CREATE TABLE reviews (
    catalog TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (catalog, key)
) STRICT;

PRAGMA user_version = 8;

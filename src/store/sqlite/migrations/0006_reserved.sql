-- A place for a migration that is made at the same time.
PRAGMA user_version = 6;

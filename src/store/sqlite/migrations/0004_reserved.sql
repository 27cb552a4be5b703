-- Nothing: a number that another change takes.
PRAGMA user_version = 4;

-- One table: all else is a fold over it. The primary key is the fence: two
-- executors cannot both write event n of a run.
CREATE TABLE IF NOT EXISTS events (
  run  TEXT    NOT NULL,
  seq  INTEGER NOT NULL,
  time TEXT    NOT NULL,
  type TEXT    NOT NULL,
  path TEXT    NOT NULL,
  data TEXT    NOT NULL,
  prev TEXT    NOT NULL,
  hash TEXT    NOT NULL,
  PRIMARY KEY (run, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS first_events ON events (time) WHERE seq = 1;
PRAGMA user_version = 1;

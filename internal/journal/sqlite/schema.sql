-- Events are the truth and all else is a fold over them. The primary key is a
-- fence: two executors cannot both write event n of a run.
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
-- Claims say who may write. The epoch only ever grows, so a row stays when it is
-- released. (Layout 2.)
CREATE TABLE IF NOT EXISTS claims (
  target TEXT    NOT NULL PRIMARY KEY,
  epoch  INTEGER NOT NULL,
  run    TEXT    NOT NULL,
  holder TEXT    NOT NULL,
  held   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
PRAGMA user_version = 2;

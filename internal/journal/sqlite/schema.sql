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
-- Notes are what other processes say to the executor of a run. (Layout 3.)
CREATE TABLE IF NOT EXISTS notes (
  id   INTEGER PRIMARY KEY AUTOINCREMENT,
  run  TEXT NOT NULL,
  kind TEXT NOT NULL,
  path TEXT NOT NULL,
  of   TEXT NOT NULL,
  by   TEXT NOT NULL,
  at   TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS notes_of_run ON notes (run, id);
PRAGMA user_version = 3;

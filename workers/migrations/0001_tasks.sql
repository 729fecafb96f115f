-- Users, tasks and their series; the answers kept for idempotent requests; failed logins.
-- Every timestamp is written by the program that makes the change (its clock, milliseconds), so that the row, the answer and
-- the event of one change carry the same instant, and keyset cursors compare exactly.

CREATE TABLE users (
  id            uuid PRIMARY KEY,
  email         text NOT NULL CHECK (length(email) BETWEEN 3 AND 254),
  password_hash text NOT NULL,
  timezone      text NOT NULL,
  created_at    timestamptz(3) NOT NULL
);
-- One account per address, however it is capitalised.
CREATE UNIQUE INDEX users_email ON users (lower(email));

-- Failed logins per account name, known or not (an unknown one must answer alike). Shared by all replicas, survives restarts.
CREATE TABLE login_failures (
  account        text PRIMARY KEY,
  failures       integer NOT NULL CHECK (failures > 0),
  window_ends_at timestamptz(3) NOT NULL
);
CREATE INDEX login_failures_expiry ON login_failures (window_ends_at);

-- One row per series of a recurring task. dtstart_local is floating (RFC 5545 3.3.5 form 1): the zone is applied once, at evaluation.
CREATE TABLE recurrence_series (
  id            uuid PRIMARY KEY,
  user_id       uuid NOT NULL REFERENCES users (id),
  rrule         text NOT NULL,
  anchor        text NOT NULL CHECK (anchor IN ('due', 'completion')),
  dtstart_local text NOT NULL CHECK (dtstart_local ~ '^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$'),
  timezone      text NOT NULL,
  created_at    timestamptz(3) NOT NULL
);
CREATE INDEX recurrence_series_user ON recurrence_series (user_id);

CREATE TABLE tasks (
  id           uuid PRIMARY KEY,
  user_id      uuid NOT NULL REFERENCES users (id),
  title        text NOT NULL CHECK (length(title) BETWEEN 1 AND 255),
  description  text NOT NULL CHECK (length(description) <= 10000),
  status       text NOT NULL CHECK (status IN ('open', 'completed')),
  completed_at timestamptz(3),
  priority     text NOT NULL CHECK (priority IN ('HIGH', 'MEDIUM', 'LOW', 'NONE')),
  tags         text[] NOT NULL CHECK (cardinality(tags) <= 20),
  due_at       timestamptz(3),
  timezone     text NOT NULL,
  recurrence   jsonb,
  series_id    uuid REFERENCES recurrence_series (id),
  reminders    jsonb NOT NULL CHECK (jsonb_typeof(reminders) = 'array'),
  version      integer NOT NULL CHECK (version >= 1),
  created_at   timestamptz(3) NOT NULL,
  updated_at   timestamptz(3) NOT NULL,
  deleted_at   timestamptz(3),
  source       text NOT NULL CHECK (source IN ('user', 'chat', 'recurrence')),
  search       tsvector NOT NULL GENERATED ALWAYS AS (to_tsvector('simple', title || ' ' || description)) STORED,
  CHECK ((status = 'completed') = (completed_at IS NOT NULL)),
  CHECK ((recurrence IS NULL) = (series_id IS NULL))
);
-- The two orders of the list; each ends in the id, so that a keyset cursor is exact when two rows share a date.
CREATE INDEX tasks_by_creation ON tasks (user_id, created_at DESC, id DESC) WHERE deleted_at IS NULL;
CREATE INDEX tasks_by_due ON tasks (user_id, (coalesce(due_at, 'infinity'::timestamptz)), id) WHERE deleted_at IS NULL;
CREATE INDEX tasks_search ON tasks USING gin (search);
CREATE INDEX tasks_series ON tasks (series_id) WHERE series_id IS NOT NULL;

-- The slots of a series that have their task. Both keys guard "exactly one successor": the slot, and the position in the
-- series, because the slot of a rule anchored at completion depends on when the completion happened.
CREATE TABLE series_instances (
  series_id     uuid NOT NULL REFERENCES recurrence_series (id),
  recurrence_id text NOT NULL CHECK (recurrence_id ~ '^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}$'),
  position      integer NOT NULL CHECK (position >= 1),
  task_id       uuid NOT NULL,
  created_at    timestamptz(3) NOT NULL,
  PRIMARY KEY (series_id, recurrence_id),
  UNIQUE (series_id, position)
);

-- The answer given to a key, written in the transaction of the change itself: either both exist or neither.
CREATE TABLE idempotency_keys (
  user_id         uuid NOT NULL REFERENCES users (id),
  key             text NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
  request_hash    text NOT NULL,
  response_status integer,
  response_headers jsonb,
  response_body   text,
  expires_at      timestamptz(3) NOT NULL,
  PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_expiry ON idempotency_keys (expires_at);

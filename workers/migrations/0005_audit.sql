-- The audit trail: append-only, gapless per stream, each entry chained to the one before it (workers/audit/chain.ts).

-- One row per stream: the last entry's number and hash. Whoever appends locks it, so numbers have no gaps: a transaction
-- that rolls back takes its numbers back with it, which a sequence would not.
CREATE TABLE audit_head (
  stream text PRIMARY KEY,
  seq bigint NOT NULL CHECK (seq >= 0),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32)
);
INSERT INTO audit_head (stream, seq, hash) VALUES ('tasks', 0, decode(repeat('00', 32), 'hex'));

-- No foreign key to tasks: the trail outlives what it tells of.
CREATE TABLE audit_entries (
  stream text NOT NULL,
  seq bigint NOT NULL CHECK (seq > 0),
  event_id text NOT NULL,
  type text NOT NULL,
  action text NOT NULL,
  source text NOT NULL,
  task_id text,
  user_id text,
  actor jsonb,
  before jsonb,
  after jsonb,
  changes jsonb NOT NULL,
  correlation_id text,
  causation_id text,
  occurred_at timestamptz(3) NOT NULL,
  recorded_at timestamptz(3) NOT NULL,
  topic text,
  partition integer,
  "offset" bigint,
  prev_hash bytea NOT NULL CHECK (octet_length(prev_hash) = 32),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (stream, seq),
  -- The inbox of the audit worker: an event has one entry, however often it is delivered.
  CONSTRAINT audit_entries_event UNIQUE (stream, event_id)
);
CREATE INDEX audit_entries_task ON audit_entries (task_id, seq);
CREATE INDEX audit_entries_user ON audit_entries (user_id, seq);
CREATE INDEX audit_entries_recorded ON audit_entries (recorded_at);

CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % is refused: the audit trail is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation', HINT = 'Append a correcting entry instead.';
END
$$;

-- Per statement, so that even one that matches no row is refused. ALWAYS: session_replication_role does not switch it off.
CREATE TRIGGER audit_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entries
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_entries ENABLE ALWAYS TRIGGER audit_entries_append_only;

CREATE TRIGGER audit_head_kept BEFORE DELETE OR TRUNCATE ON audit_head
  FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_kept;

CREATE FUNCTION audit_head_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.stream <> OLD.stream OR NEW.seq <= OLD.seq THEN
    RAISE EXCEPTION 'the head of stream % only moves forward, not from % to %', OLD.stream, OLD.seq, NEW.seq
      USING ERRCODE = 'restrict_violation';
  END IF;
  RETURN NEW;
END
$$;
CREATE TRIGGER audit_head_forward BEFORE UPDATE ON audit_head
  FOR EACH ROW EXECUTE FUNCTION audit_head_forward();
ALTER TABLE audit_head ENABLE ALWAYS TRIGGER audit_head_forward;

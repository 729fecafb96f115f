-- Events waiting to be published. A row is written in the transaction that made the change and deleted after the broker
-- acknowledged it; see workers/lib/outbox-relay.ts for who may read it and in what order.
CREATE TABLE outbox (
  id bigserial PRIMARY KEY,
  event_id uuid NOT NULL,
  -- FNV-1a of the key modulo 8, set by the producer (workers/lib/outbox.ts).
  shard smallint NOT NULL CHECK (shard BETWEEN 0 AND 7),
  -- The alias (taskEvents, …), not the broker's name: a changed topic prefix must not strand rows.
  topic text NOT NULL,
  key text NOT NULL CHECK (key <> ''),
  type text NOT NULL,
  -- The CloudEvent exactly as it will be published.
  payload jsonb NOT NULL,
  traceparent text,
  producer text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX outbox_shard_id ON outbox (shard, id);

-- Rows live for milliseconds: vacuum by count, not by share of a table that is nearly always empty.
ALTER TABLE outbox SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- One row per event a consumer has taken effect of, written in the transaction of that effect. Keyed by consumer as well,
-- so that services sharing the database do not hide events from each other.
CREATE TABLE inbox (
  consumer text NOT NULL,
  event_id text NOT NULL,
  processed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (consumer, event_id)
);

CREATE INDEX inbox_processed_at ON inbox (processed_at);

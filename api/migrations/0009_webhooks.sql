-- Webhooks (HA-10, HA-11): what is to be told to whom, and what came of it. Everything of a webhook goes with it.
CREATE TABLE app.webhooks (
  tenant_id  uuid NOT NULL REFERENCES app.tenants (id),
  id         uuid NOT NULL,
  url        text NOT NULL CHECK (char_length(url) <= 2048),
  events     text[] NOT NULL CHECK (cardinality(events) > 0),
  secret     bytea NOT NULL, -- sealed (secrets/secretBox.ts)
  status     text NOT NULL CHECK (status IN ('active', 'disabled')),
  -- Whether its last attempt failed: then fewer of its events are prepared for delivery at a time.
  is_failing boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- The outbox: written in the transaction of the fact, one row per webhook that is to hear of it, and taken out when its
-- deliveries are stored. A row for hash.anchored stands for all of the tenant's hashes in a batch. No foreign key: the fact must not
-- wait for somebody who deletes a webhook.
CREATE TABLE app.webhook_outbox (
  tenant_id  uuid NOT NULL,
  webhook_id uuid NOT NULL,
  id         uuid NOT NULL, -- version 7: sorts by time; the event's id
  type       text NOT NULL,
  data       jsonb NOT NULL,
  next_leaf  integer NOT NULL DEFAULT 0, -- of hash.anchored: leaves before it are stored already
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, webhook_id, id)
);

CREATE TABLE app.webhook_deliveries (
  tenant_id    uuid NOT NULL,
  webhook_id   uuid NOT NULL,
  id           uuid NOT NULL, -- version 7: sorts by time
  event_id     uuid NOT NULL, -- the same in every replay
  event_type   text NOT NULL,
  body         text NOT NULL, -- the bytes that are signed and sent, in every attempt and replay
  status       text NOT NULL CHECK (status IN ('pending', 'delivered', 'dead', 'cancelled')),
  attempt      smallint NOT NULL DEFAULT 0,
  -- Of the last attempt; the http status is NULL when there was no answer, the error when it was delivered.
  attempted_at timestamptz,
  http_status  smallint,
  duration_ms  integer,
  error        text,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, webhook_id, id),
  FOREIGN KEY (tenant_id, webhook_id) REFERENCES app.webhooks (tenant_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_pending ON app.webhook_deliveries (tenant_id, webhook_id) WHERE status = 'pending';

-- Attempts counted by outcome, for the metrics; several rows each, so that deliveries do not wait for one another.
CREATE TABLE app.webhook_attempts (
  outcome  text NOT NULL CHECK (outcome IN ('delivered', 'failed', 'dead', 'cancelled')),
  shard    smallint NOT NULL,
  attempts bigint NOT NULL,
  PRIMARY KEY (outcome, shard)
) WITH (fillfactor = 50);

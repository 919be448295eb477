-- Accepts hashes, seals them into batches, anchors the batches and keeps the receipts' parts.
CREATE SCHEMA IF NOT EXISTS app;

CREATE TABLE app.tenants (
  id            uuid PRIMARY KEY,
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
  contact_email text,
  status        text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
  created_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE app.api_keys (
  tenant_id             uuid NOT NULL REFERENCES app.tenants (id),
  id                    uuid NOT NULL UNIQUE,
  name                  text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
  key_sha256            bytea NOT NULL UNIQUE CHECK (octet_length(key_sha256) = 32),
  key_prefix            text NOT NULL,
  scopes                text[] NOT NULL CHECK (scopes <@ ARRAY['submit', 'query', 'manage', 'admin'] AND cardinality(scopes) > 0),
  rate_limit_per_minute integer NOT NULL CHECK (rate_limit_per_minute BETWEEN 1 AND 10000),
  created_at            timestamptz NOT NULL DEFAULT now(),
  last_used_at          timestamptz,
  revoked_at            timestamptz,
  PRIMARY KEY (tenant_id, id)
);

CREATE TABLE app.chains (
  chain_id         bigint PRIMARY KEY CHECK (chain_id > 0),
  name             text NOT NULL,
  rpc_url          text NOT NULL,
  contract_address bytea NOT NULL CHECK (octet_length(contract_address) = 20),
  publisher        bytea NOT NULL CHECK (octet_length(publisher) = 20),
  confirmations    integer NOT NULL CHECK (confirmations >= 1),
  is_default       boolean NOT NULL DEFAULT false,
  -- What a worker last read from the chain itself; NULL where the chain does not know the tag.
  latest_block     bigint,
  safe_block       bigint,
  finalized_block  bigint,
  heads_read_at    timestamptz,
  created_at       timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX chains_one_default ON app.chains (is_default) WHERE is_default;

-- One row per tenant and content hash. The key begins with the hash, because public verification looks a hash
-- up across tenants: one index serves both questions, and a random index write is what an insert mostly costs.
-- No foreign keys here, for the same reason; the invariant check stands in for them.
CREATE TABLE app.submissions (
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  tenant_id    uuid NOT NULL,
  id           uuid NOT NULL, -- version 7: sorts by acceptance
  chain_id     bigint NOT NULL,
  external_id  text CHECK (char_length(external_id) <= 255),
  metadata     jsonb,
  created_at   timestamptz NOT NULL,
  batch_id     uuid,
  leaf_index   integer,
  PRIMARY KEY (content_hash, tenant_id),
  CHECK ((batch_id IS NULL) = (leaf_index IS NULL))
);
CREATE INDEX submissions_pending ON app.submissions (chain_id, id) WHERE batch_id IS NULL;

-- A transaction that carries batches, in all its attempts: same nonce, rising fee. Raw bytes are stored before they are sent.
CREATE TABLE app.anchor_transactions (
  tx_hash              bytea PRIMARY KEY CHECK (octet_length(tx_hash) = 32),
  slot_id              uuid NOT NULL,
  chain_id             bigint NOT NULL REFERENCES app.chains (chain_id),
  sender               bytea NOT NULL CHECK (octet_length(sender) = 20),
  nonce                bigint NOT NULL,
  raw_transaction      bytea NOT NULL,
  max_fee_wei          numeric(78) NOT NULL,
  max_priority_fee_wei numeric(78) NOT NULL,
  stored_at            timestamptz NOT NULL,
  sent_at              timestamptz
);
CREATE INDEX anchor_transactions_slot ON app.anchor_transactions (slot_id, stored_at);

CREATE TABLE app.batches (
  id              uuid PRIMARY KEY, -- version 7: sorts by sealing
  chain_id        bigint NOT NULL REFERENCES app.chains (chain_id),
  publisher       bytea NOT NULL CHECK (octet_length(publisher) = 20),
  root            bytea NOT NULL CHECK (octet_length(root) = 32),
  leaf_count      integer NOT NULL CHECK (leaf_count > 0),
  state           text NOT NULL CHECK (state IN ('sealed', 'broadcast', 'anchored')),
  slot_id         uuid, -- the anchor transaction that carries it; NULL when the root was on chain already
  sealed_at       timestamptz NOT NULL,
  -- The anchor: set from the compared facts, all together, and taken back all together.
  tx_hash         bytea,
  block_number    bigint,
  block_hash      bytea,
  block_timestamp bigint, -- unix seconds
  log_index       integer,
  gas_used        numeric(78),
  anchored_at     timestamptz,
  CHECK (num_nulls(tx_hash, block_number, block_hash, block_timestamp, log_index, gas_used, anchored_at)
         = CASE WHEN state = 'anchored' THEN 0 ELSE 7 END)
);
CREATE INDEX batches_open ON app.batches (chain_id, state, id) WHERE state <> 'anchored';
CREATE INDEX batches_anchored ON app.batches (chain_id, block_number) WHERE state = 'anchored';
CREATE INDEX batches_root ON app.batches (chain_id, root);

-- Every node of a batch's tree, leaves first, root last, 32 bytes each. EXTERNAL: uncompressed out of line,
-- so that a receipt reads log2(n) slices and not the whole.
CREATE TABLE app.batch_trees (
  batch_id uuid PRIMARY KEY REFERENCES app.batches (id),
  nodes    bytea NOT NULL
);
ALTER TABLE app.batch_trees ALTER COLUMN nodes SET STORAGE EXTERNAL;

-- Which tenants have hashes in which batch.
CREATE TABLE app.batch_tenants (
  tenant_id uuid NOT NULL,
  batch_id  uuid NOT NULL REFERENCES app.batches (id),
  PRIMARY KEY (tenant_id, batch_id)
);

CREATE TABLE app.signing_keys (
  kid        text PRIMARY KEY, -- RFC 7638 thumbprint
  public_key bytea NOT NULL CHECK (octet_length(public_key) = 32),
  created_at timestamptz NOT NULL,
  retired_at timestamptz
);

-- The signatures of a batch's receipts, 64 bytes each, in leaf order: with the tree and the anchor they are the receipts.
CREATE TABLE app.batch_receipts (
  batch_id   uuid PRIMARY KEY REFERENCES app.batches (id),
  kid        text NOT NULL REFERENCES app.signing_keys (kid),
  signatures bytea NOT NULL,
  issued_at  timestamptz NOT NULL
);
ALTER TABLE app.batch_receipts ALTER COLUMN signatures SET STORAGE EXTERNAL;

-- One row per call; the request's id (version 7) is the row's.
CREATE TABLE app.audit_logs (
  tenant_id     uuid NOT NULL,
  request_id    uuid NOT NULL,
  api_key_id    uuid,
  action        text NOT NULL,
  resource_type text NOT NULL,
  resource_id   text,
  ip_address    text,
  status_code   smallint NOT NULL,
  created_at    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, request_id)
);

-- Requests counted per subject (an API key, an IP address) in the current fixed window; worth nothing after it, so not logged.
CREATE UNLOGGED TABLE app.rate_limit_windows (
  subject      text PRIMARY KEY,
  window_start timestamptz NOT NULL,
  requests     integer NOT NULL
);

-- What Ponder writes once it has read the chains: it replaces these empty views, whose shape the API relies on, by its own.
CREATE SCHEMA IF NOT EXISTS chain;
CREATE VIEW chain.anchors AS
  SELECT NULL::bigint AS chain_id, NULL::text AS publisher, NULL::text AS root, NULL::bigint AS leaf_count, NULL::text AS head,
         NULL::bigint AS block_number, NULL::text AS block_hash, NULL::bigint AS block_timestamp, NULL::text AS transaction_hash,
         NULL::integer AS log_index, NULL::bigint AS gas_used
  WHERE false;
CREATE VIEW chain._ponder_meta AS
  SELECT NULL::text AS key, NULL::jsonb AS value
  WHERE false;
CREATE VIEW chain._ponder_checkpoint AS
  SELECT NULL::text AS chain_name, NULL::bigint AS chain_id, NULL::varchar(75) AS safe_checkpoint,
         NULL::varchar(75) AS latest_checkpoint, NULL::varchar(75) AS finalized_checkpoint
  WHERE false;

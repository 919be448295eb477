-- The gate before biometric processing (PA-1 to PA-10): what a person must accept before anything of them is taken.

-- The document that the gate shows; `consent` where a tenant has set none (PA-1).
CREATE TABLE app.gate_documents (
  tenant_id uuid PRIMARY KEY REFERENCES app.tenants (id),
  slug      text NOT NULL
);

CREATE TABLE app.verifications (
  tenant_id    uuid NOT NULL REFERENCES app.tenants (id),
  id           uuid NOT NULL, -- version 7: sorts by time
  api_key_id   uuid NOT NULL, -- that created it; its oldest secret signs the callback
  state        text NOT NULL CHECK (state IN ('created', 'consented', 'submitted', 'erased')),
  -- Personal, as metadata and the callback's URL are: an erasure takes them.
  external_id  text,
  callback_url text,
  metadata     jsonb,
  created_at   timestamptz NOT NULL,
  submitted_at timestamptz,
  PRIMARY KEY (tenant_id, id)
);
CREATE INDEX verifications_of_person ON app.verifications (tenant_id, external_id) WHERE external_id IS NOT NULL;

-- One row for each version that was accepted, so that each is accepted exactly once (PA-4).
CREATE TABLE app.gate_acceptances (
  tenant_id       uuid NOT NULL,
  verification_id uuid NOT NULL,
  version_number  integer NOT NULL,
  version         text NOT NULL,
  text_sha256     bytea NOT NULL CHECK (octet_length(text_sha256) = 32),
  consent_id      uuid NOT NULL, -- the record; sorts by time
  accepted_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, verification_id, version_number),
  FOREIGN KEY (tenant_id, verification_id) REFERENCES app.verifications (tenant_id, id)
);

-- Media whose bytes are, or were, in the store. A row is there before its bytes and stays after them, with their hash.
CREATE TABLE app.verification_media (
  tenant_id       uuid NOT NULL,
  verification_id uuid NOT NULL,
  id              uuid NOT NULL,
  state           text NOT NULL CHECK (state IN ('storing', 'stored', 'deleting', 'deleted', 'abandoned')),
  type            text NOT NULL,
  side            text,
  document        text,
  content_type    text NOT NULL,
  bytes           integer NOT NULL,
  sha256          bytea NOT NULL CHECK (octet_length(sha256) = 32),
  created_at      timestamptz NOT NULL,
  deleted_at      timestamptz,
  PRIMARY KEY (tenant_id, verification_id, id),
  FOREIGN KEY (tenant_id, verification_id) REFERENCES app.verifications (tenant_id, id)
);
CREATE INDEX verification_media_to_sweep ON app.verification_media (created_at) WHERE state <> 'deleted';

-- A call to the callback's URL; its body is made for each attempt, so that an erasure leaves nothing to send.
CREATE TABLE app.gate_callbacks (
  tenant_id       uuid NOT NULL,
  verification_id uuid NOT NULL,
  id              uuid NOT NULL, -- the event's, the same in every attempt
  status          text NOT NULL CHECK (status IN ('pending', 'delivered', 'dead', 'cancelled')),
  attempt         smallint NOT NULL DEFAULT 0,
  -- Of the last attempt.
  attempted_at    timestamptz,
  http_status     smallint,
  duration_ms     integer,
  error           text,
  created_at      timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, verification_id, id),
  FOREIGN KEY (tenant_id, verification_id) REFERENCES app.verifications (tenant_id, id)
);

-- The one consent record of all consent surfaces, its threads, its erasure and what holds that up (protocol §7).

-- Thread digests of one person lie together in `consents_thread`: it finds a thread's last record, keeps a thread from forking, and
-- finds all records of a person. There is no index by record digest: a record and its submission have the same id.
CREATE TABLE app.consents (
  tenant_id            uuid NOT NULL,
  id                   uuid NOT NULL, -- version 7; the token is made of it
  seq                  bigint NOT NULL, -- rises in the order of appending: of equal times the last one appended is the newest
  surface              text NOT NULL CHECK (surface IN ('log', 'receipts', 'gate', 'proof', 'erasure')),
  action               text NOT NULL CHECK (action IN ('grant', 'decline', 'withdraw', 'none')),
  grant_stands         boolean NOT NULL, -- in the thread, as of this record
  record_digest        bytea NOT NULL CHECK (octet_length(record_digest) = 32),
  lasting              text NOT NULL, -- disclosures of the fields that an erasure leaves, as they are handed out, joined by ~
  personal             text, -- those of the personal fields
  personal_digests     text, -- the digests of those, joined by ~, once they are erased
  person_digest        bytea, -- no key: it goes when the values go. Empty where a thread has no person
  thread_digest        bytea,
  thread_position      integer CHECK (thread_position > 0),
  previous_digest      bytea CHECK (octet_length(previous_digest) = 32),
  once_digest          bytea,
  short_token          text,
  issuer               text,
  target               text,
  scope                text,
  site                 text,
  created_at           timestamptz NOT NULL,
  expires_at           timestamptz,
  erased_by            uuid, -- the erasure's own record
  PRIMARY KEY (tenant_id, id),
  CHECK (num_nulls(person_digest, thread_digest, thread_position) IN (0, 3)),
  CHECK (erased_by IS NULL OR num_nonnulls(personal, person_digest) = 0)
) WITH (toast_tuple_target = 8160); -- salted digests do not compress, and records are read whole
ALTER TABLE app.consents ALTER COLUMN lasting SET STORAGE EXTERNAL, ALTER COLUMN personal SET STORAGE EXTERNAL;
CREATE UNIQUE INDEX consents_thread ON app.consents (tenant_id, person_digest, thread_digest, thread_position)
  WHERE thread_digest IS NOT NULL;
CREATE UNIQUE INDEX consents_once ON app.consents (tenant_id, once_digest) WHERE once_digest IS NOT NULL;
CREATE INDEX consents_short_token ON app.consents (tenant_id, short_token, seq) WHERE short_token IS NOT NULL;
CREATE INDEX consents_erasures ON app.consents (tenant_id, id) WHERE surface = 'erasure';
CREATE INDEX consents_erased_by ON app.consents (tenant_id, erased_by) WHERE erased_by IS NOT NULL;

-- One value per statement, which numbers up to 1,024 records with it.
CREATE SEQUENCE app.consent_statements;

-- Answers that are given again to the same request (HE-8).
CREATE TABLE app.idempotency_keys (
  tenant_id      uuid NOT NULL,
  key_sha256     bytea NOT NULL CHECK (octet_length(key_sha256) = 32),
  request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
  answer         text NOT NULL,
  created_at     timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, key_sha256)
);
CREATE INDEX idempotency_keys_oldest ON app.idempotency_keys (created_at);

-- What must not be erased for now: a person's records, or one record. Kept when it is over, until the person is erased.
CREATE TABLE app.consent_holds (
  tenant_id      uuid NOT NULL,
  id             uuid NOT NULL,
  person_digest  bytea,
  consent_id     uuid,
  reason         text NOT NULL CHECK (char_length(reason) BETWEEN 1 AND 1000),
  placed_at      timestamptz NOT NULL,
  released_at    timestamptz,
  release_reason text CHECK (char_length(release_reason) BETWEEN 1 AND 1000),
  PRIMARY KEY (tenant_id, id),
  CHECK (num_nonnulls(person_digest, consent_id) = 1),
  CHECK ((released_at IS NULL) = (release_reason IS NULL))
);
CREATE INDEX consent_holds_person ON app.consent_holds (tenant_id, person_digest) WHERE person_digest IS NOT NULL;
CREATE INDEX consent_holds_consent ON app.consent_holds (tenant_id, consent_id) WHERE consent_id IS NOT NULL;

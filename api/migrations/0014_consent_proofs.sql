-- Keys of the service itself that are replaced in time and never forgotten: what they signed must verify years later (OS-4, SG-9).
CREATE TABLE app.service_keys (
  kid        text PRIMARY KEY,
  purpose    text NOT NULL CHECK (purpose IN ('consent_proof', 'consent_receipt', 'access_token')),
  sealed_key bytea NOT NULL, -- see secrets/secretBox.ts
  public_jwk jsonb, -- of an asymmetric key
  created_at timestamptz NOT NULL,
  signs_until timestamptz NOT NULL
);
CREATE INDEX service_keys_newest ON app.service_keys (purpose, signs_until);

-- Consent proofs are found by their receipt id alone, for whoever holds one (OS-3), and listed by domain (OS-6).
CREATE UNIQUE INDEX consents_receipt ON app.consents (id) WHERE surface = 'proof';
CREATE INDEX consents_of_site ON app.consents (tenant_id, site, id) WHERE surface = 'proof';

-- People who log in (HA-1): an account belongs to one tenant. E-mail addresses are kept in lower case, so that they are unique
-- without regard to it.
CREATE TABLE app.accounts (
  tenant_id     uuid NOT NULL REFERENCES app.tenants (id),
  id            uuid NOT NULL UNIQUE,
  name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255),
  email         text NOT NULL UNIQUE CHECK (email = lower(email)),
  password_hash text NOT NULL, -- argon2id, PHC string format
  created_at    timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, id)
);

-- Keys that sign account tokens: one signs at a time, and each verifies until the last token it signed has expired.
CREATE TABLE app.account_token_keys (
  kid            text PRIMARY KEY, -- RFC 7638 thumbprint
  public_jwk     jsonb NOT NULL,
  private_key    bytea NOT NULL, -- PKCS #8, sealed (secrets/secretBox.ts)
  created_at     timestamptz NOT NULL,
  signs_until    timestamptz NOT NULL,
  verifies_until timestamptz NOT NULL
);
CREATE INDEX account_token_keys_newest ON app.account_token_keys (signs_until);

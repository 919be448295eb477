-- What a key may carry beside its scopes (protocol §9): the site that it speaks for, and what its requests must bring along.
ALTER TABLE app.api_keys
  ADD COLUMN site text CHECK (site = lower(site) AND char_length(site) BETWEEN 1 AND 253),
  ADD COLUMN require_signing boolean NOT NULL DEFAULT false,
  ADD COLUMN require_timestamp boolean NOT NULL DEFAULT false;

-- Secrets with which a key's holder and we sign for each other. They must be readable to compute an HMAC, so they are sealed and
-- not hashed; a secret that is given up leaves no row behind.
CREATE TABLE app.api_key_secrets (
  tenant_id  uuid NOT NULL,
  api_key_id uuid NOT NULL,
  id         uuid NOT NULL, -- version 7: sorts by age
  sealed     bytea NOT NULL, -- secrets/secretBox.ts
  created_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, api_key_id, id),
  FOREIGN KEY (tenant_id, api_key_id) REFERENCES app.api_keys (tenant_id, id) ON DELETE CASCADE
);

-- Processes remember both under the access version: what is given up is dead at once in all of them.
DROP TRIGGER access_changed ON app.api_keys;
CREATE TRIGGER access_changed
  AFTER UPDATE OF tenant_id, id, key_sha256, scopes, rate_limit_per_minute, revoked_at, site, require_signing, require_timestamp
    OR DELETE OR TRUNCATE ON app.api_keys
  FOR EACH STATEMENT EXECUTE FUNCTION app.change_access_version();
CREATE TRIGGER access_changed
  AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON app.api_key_secrets
  FOR EACH STATEMENT EXECUTE FUNCTION app.change_access_version();

-- Networks from which somebody has logged in to an account: others' guesses do not lock these out.
CREATE TABLE app.login_networks (
  tenant_id     uuid NOT NULL,
  account_id    uuid NOT NULL,
  network       text NOT NULL, -- an IPv4 address, or the first 64 bits of an IPv6 one
  last_login_at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, account_id, network),
  FOREIGN KEY (tenant_id, account_id) REFERENCES app.accounts (tenant_id, id) ON DELETE CASCADE
);

-- The service's signed statement that it recorded a consent, and who may sign such statements (protocol §7).
ALTER TABLE app.service_keys DROP CONSTRAINT service_keys_purpose_check,
  ADD CHECK (purpose IN ('consent_proof', 'consent_receipt', 'access_token', 'consent_origin'));

-- Who says that a key speaks for its site: a tenant may name any domain, and the service must not vouch for that.
ALTER TABLE app.api_keys ADD COLUMN site_by text CHECK (site_by IN ('operator', 'tenant'));
UPDATE app.api_keys SET site_by = 'tenant' WHERE site IS NOT NULL;

-- Null together where the server had no secret to keep a key with, and in records from before there were statements. The checks are
-- not held against rows that are there: that would read the whole table under a lock, and they have none of these values.
ALTER TABLE app.consents
  ADD COLUMN origin_kid text,
  ADD COLUMN origin_signature bytea,
  ADD COLUMN origin_site text, -- the domain that the API key spoke for
  ADD COLUMN origin_site_by text, -- by whose word
  ADD CONSTRAINT consents_origin_check
    CHECK ((origin_kid IS NULL) = (origin_signature IS NULL) AND octet_length(origin_signature) = 64) NOT VALID;

-- The key of receipts says which keys sign statements: whoever trusts the one need not know the others.
CREATE TABLE app.origin_delegations (
  kid         text NOT NULL REFERENCES app.service_keys (kid),
  receipt_kid text NOT NULL REFERENCES app.signing_keys (kid),
  delegation  text NOT NULL, -- compact JWS
  created_at  timestamptz NOT NULL,
  PRIMARY KEY (kid, receipt_kid)
);

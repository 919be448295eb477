-- Consents that have still to expire; a row goes in the transaction that tells the tenant's webhooks of it (HA-10).
CREATE TABLE app.consent_expiries (
  expires_at timestamptz NOT NULL,
  tenant_id  uuid NOT NULL,
  id         uuid NOT NULL, -- the consent's
  PRIMARY KEY (expires_at, tenant_id, id)
);
INSERT INTO app.consent_expiries SELECT expires_at, tenant_id, id FROM app.consents WHERE expires_at > now();

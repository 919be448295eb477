-- Nonces of signed requests (HE-9), kept for longer than their time stamps are taken: none is taken twice.
CREATE TABLE app.request_nonces (
  tenant_id  uuid NOT NULL,
  api_key_id uuid NOT NULL,
  nonce      uuid NOT NULL,
  seen_at    timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (tenant_id, api_key_id, nonce)
);
CREATE INDEX request_nonces_oldest ON app.request_nonces (seen_at);

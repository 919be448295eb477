-- What a tenant's statistics are read from (HA-6), so that no answer scans: hashes of each tenant in each batch, and per tenant the
-- batches and the hashes in anchored ones. All hashes of a tenant are the sum of app.monthly_hashes. A recount of what is there
-- comes first, and nobody may seal or move batches meanwhile.
LOCK TABLE app.submissions, app.batches, app.batch_tenants IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE app.batch_tenants ADD COLUMN hashes integer;
UPDATE app.batch_tenants own SET hashes = counted.hashes
  FROM (SELECT tenant_id, batch_id, count(*) AS hashes FROM app.submissions WHERE batch_id IS NOT NULL GROUP BY 1, 2) AS counted
  WHERE own.tenant_id = counted.tenant_id AND own.batch_id = counted.batch_id;
ALTER TABLE app.batch_tenants ALTER COLUMN hashes SET NOT NULL, ADD CHECK (hashes > 0);
-- Sealing, anchoring and taking back know their batches.
CREATE INDEX batch_tenants_batch ON app.batch_tenants (batch_id);

CREATE TABLE app.tenant_totals (
  tenant_id       uuid PRIMARY KEY,
  batches         bigint NOT NULL CHECK (batches >= 0),
  anchored_hashes bigint NOT NULL CHECK (anchored_hashes >= 0)
) WITH (fillfactor = 50); -- updated again and again: new versions of a row find room on its page
INSERT INTO app.tenant_totals
  SELECT own.tenant_id, count(*), coalesce(sum(own.hashes) FILTER (WHERE b.state = 'anchored'), 0)
  FROM app.batch_tenants own JOIN app.batches b ON b.id = own.batch_id GROUP BY 1;

-- Devices that sign what they submit (HA-19). A submission by a device locks the device's row, so that its end, or its next key,
-- comes wholly before or wholly after.
CREATE TABLE app.devices (
  tenant_id         uuid NOT NULL REFERENCES app.tenants (id),
  id                uuid NOT NULL,
  name              text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 255), -- the tenant's deviceId
  key_id            uuid NOT NULL, -- what it signs with now, or signed with last
  metadata          jsonb,
  submissions       bigint NOT NULL DEFAULT 0 CHECK (submissions >= 0), -- rows in app.device_submissions
  last_submitted_at timestamptz,
  created_at        timestamptz NOT NULL,
  revoked_at        timestamptz,
  PRIMARY KEY (tenant_id, id),
  UNIQUE (tenant_id, name)
) WITH (fillfactor = 50);

CREATE TABLE app.device_keys (
  tenant_id   uuid NOT NULL,
  device_id   uuid NOT NULL,
  id          uuid NOT NULL, -- version 7: sorts by rotation
  algorithm   text NOT NULL CHECK (algorithm IN ('ed25519', 'secp256k1')),
  public_key  bytea NOT NULL CHECK (octet_length(public_key) = CASE algorithm WHEN 'ed25519' THEN 32 ELSE 33 END),
  valid_from  timestamptz NOT NULL,
  valid_until timestamptz CHECK (valid_until >= valid_from),
  PRIMARY KEY (tenant_id, device_id, id),
  UNIQUE (tenant_id, device_id, public_key), -- a key that a device has given up never comes back
  FOREIGN KEY (tenant_id, device_id) REFERENCES app.devices (tenant_id, id)
);
CREATE UNIQUE INDEX device_keys_one_current ON app.device_keys (tenant_id, device_id) WHERE valid_until IS NULL;
ALTER TABLE app.devices ADD FOREIGN KEY (tenant_id, id, key_id) REFERENCES app.device_keys (tenant_id, device_id, id)
  DEFERRABLE INITIALLY DEFERRED;

-- Who signed what: each hash that a device has signed, once, with the first signature. Rows are only added.
CREATE TABLE app.device_submissions (
  tenant_id    uuid NOT NULL,
  device_id    uuid NOT NULL,
  content_hash bytea NOT NULL CHECK (octet_length(content_hash) = 32),
  id           uuid NOT NULL, -- version 7: sorts by acceptance
  key_id       uuid NOT NULL,
  signature    bytea NOT NULL CHECK (octet_length(signature) = 64),
  metadata     jsonb,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, device_id, content_hash),
  FOREIGN KEY (tenant_id, device_id, key_id) REFERENCES app.device_keys (tenant_id, device_id, id)
);
CREATE INDEX device_submissions_newest ON app.device_submissions (tenant_id, device_id, id);

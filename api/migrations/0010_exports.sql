-- Exports (HA-12): one row per file that a tenant asked for. The file's name is the row's id and attempt.
CREATE TABLE app.exports (
  tenant_id      uuid NOT NULL REFERENCES app.tenants (id),
  id             uuid NOT NULL,
  type           text NOT NULL CHECK (type IN ('hashes', 'receipts')),
  format         text NOT NULL CHECK (format IN ('csv', 'json')),
  status_filter  text,
  created_from   timestamptz, -- inclusive
  created_before timestamptz, -- exclusive
  public_url     text NOT NULL, -- origin that receipts name as @context
  state          text NOT NULL CHECK (state IN ('pending', 'processing', 'completed', 'failed', 'expired')),
  job_id         uuid NOT NULL, -- the job that works on it
  attempt        uuid, -- the one attempt that may finish it
  total_rows     bigint NOT NULL DEFAULT 0,
  bytes          bigint,
  failure        text,
  created_at     timestamptz NOT NULL,
  completed_at   timestamptz,
  PRIMARY KEY (tenant_id, id),
  CHECK ((state IN ('completed', 'expired')) = (completed_at IS NOT NULL)),
  CHECK ((state IN ('completed', 'expired')) = (bytes IS NOT NULL)),
  CHECK ((state = 'failed') = (failure IS NOT NULL)),
  CHECK (state = 'pending' OR state = 'failed' OR attempt IS NOT NULL)
);
CREATE INDEX exports_to_sweep ON app.exports (state, created_at);

-- A tenant's hashes in the order of their ids. What waits to be sealed is left out, so that accepting a hash does not pay for it:
-- in the order of ids that is found by submissions_pending.
CREATE INDEX submissions_sealed_by_tenant ON app.submissions (tenant_id, id) WHERE batch_id IS NOT NULL;

-- The operator reads the audit log of all tenants, the newest first (HA-15). Request ids are version 7 and sort by time. What is
-- frequent is found soon by scanning back from now; what is rare has an index of its own, which the frequent rows do not pay for.
CREATE INDEX audit_logs_newest ON app.audit_logs (request_id);
CREATE INDEX audit_logs_rare_action ON app.audit_logs (action, request_id)
  WHERE action <> ALL ('{hash.submit,hash.submit_batch,hash.query}');

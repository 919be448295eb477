-- One row whose version changes with every row that decides what a key may do: revoked, changed, of a suspended tenant. Processes
-- remember keys under the version they read them with, and statements that write check it, so that nothing is accepted
-- from a key that was revoked before. Random and not a counter: a database that was restored to an older state and went on from
-- there never comes to a version that a process remembers from the other course of events.
CREATE TABLE app.access_version (
  single  boolean PRIMARY KEY DEFAULT true CHECK (single),
  version uuid NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO app.access_version DEFAULT VALUES;

CREATE FUNCTION app.change_access_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE app.access_version SET version = gen_random_uuid();
  RETURN NULL;
END
$$;

CREATE TRIGGER access_changed
  AFTER UPDATE OF tenant_id, id, key_sha256, scopes, rate_limit_per_minute, revoked_at OR DELETE OR TRUNCATE ON app.api_keys
  FOR EACH STATEMENT EXECUTE FUNCTION app.change_access_version();
CREATE TRIGGER access_changed
  AFTER UPDATE OF status OR DELETE OR TRUNCATE ON app.tenants
  FOR EACH STATEMENT EXECUTE FUNCTION app.change_access_version();

-- Plans, and what each tenant has used of its plan this month (HA-14). Everybody's hashes are counted, so that a plan holds from
-- the moment it is given.
CREATE TABLE app.monthly_hashes (
  tenant_id uuid NOT NULL,
  month     date NOT NULL, -- its first day, UTC
  hashes    bigint NOT NULL CHECK (hashes >= 0),
  PRIMARY KEY (tenant_id, month)
) WITH (fillfactor = 50); -- updated again and again: new versions of a row find room on its page
-- An API of the version before stores without counting; none may do so while what is there is counted, nor afterwards.
LOCK TABLE app.submissions IN SHARE ROW EXCLUSIVE MODE;
INSERT INTO app.monthly_hashes
  SELECT tenant_id, date_trunc('month', created_at AT TIME ZONE 'UTC')::date, count(*) FROM app.submissions GROUP BY 1, 2;

-- After the counting, since it locks out every reader of keys.
ALTER TABLE app.tenants ADD COLUMN plan text CHECK (plan IN ('free', 'basic', 'pro'));

-- Fails the statement that would count over a limit, and with it all that the statement stored.
CREATE FUNCTION app.within_quota(hashes bigint, hashes_max bigint) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
  IF hashes > hashes_max THEN
    RAISE EXCEPTION 'monthly hash limit reached' USING ERRCODE = 'HF001';
  END IF;
  RETURN hashes;
END
$$;

DROP TRIGGER access_changed ON app.tenants;
CREATE TRIGGER access_changed
  AFTER UPDATE OF status, plan OR DELETE OR TRUNCATE ON app.tenants
  FOR EACH STATEMENT EXECUTE FUNCTION app.change_access_version();

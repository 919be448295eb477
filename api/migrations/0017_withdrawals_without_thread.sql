-- What stands in no thread and follows another record says so only in its disclosures so far.
UPDATE app.consents c SET previous_digest = decode(substr(disclosed.previous, 8), 'hex')
FROM (
  SELECT tenant_id, id, disclosure ->> 2 AS previous
  FROM app.consents
  CROSS JOIN LATERAL unnest(string_to_array(lasting, '~')) AS encoded
  CROSS JOIN LATERAL (
    SELECT convert_from(decode(rpad(translate(encoded, '-_', '+/'), (length(encoded) + 3) / 4 * 4, '='), 'base64'), 'UTF8')::jsonb
  ) AS decoded (disclosure)
  WHERE previous_digest IS NULL AND thread_digest IS NULL AND surface = 'log' AND action = 'withdraw'
    AND disclosure ->> 1 = 'previous'
) AS disclosed
WHERE c.tenant_id = disclosed.tenant_id AND c.id = disclosed.id;

-- No record is kept from being made twice by a key of its own: the gate's acceptances have a table.
DROP INDEX app.consents_once;
ALTER TABLE app.consents DROP COLUMN once_digest;

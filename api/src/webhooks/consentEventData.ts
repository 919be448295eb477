/**
 * SQL for what webhooks are told of a consent (HA-10): names, words of ours and a digest, nothing personal, since deliveries outlive
 * an erasure. The event of a record has the record's id.
 * @param consent the alias of a row of app.consents.
 */
export function consentEventData(consent: string): string {
  return `jsonb_build_object(
      'token', 'ct_' || replace(${consent}.id::text, '-', ''),
      'surface', ${consent}.surface,
      'action', ${consent}.action,
      'proofHash', 'sha256:' || encode(${consent}.record_digest, 'hex'),
      'expiresAt', to_char(${consent}.expires_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'))`;
}

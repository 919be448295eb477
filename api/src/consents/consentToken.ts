const TOKEN = /^ct_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/;

/** Names a consent to its tenant: `ct_` and the 32 hex digits of its id. It opens nothing by itself. */
export function consentToken(id: string): string {
  return `ct_${id.replaceAll("-", "")}`;
}

/** Null for a text that is no token. */
export function consentIdOf(token: string): string | null {
  return TOKEN.exec(token)?.slice(1).join("-") ?? null;
}

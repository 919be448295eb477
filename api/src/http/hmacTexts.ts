/** Names and values of a query or form, of repeated names the last (proofage.md, Authentication). */
export type Pairs = ReadonlyMap<string, string>;

/** Of a query as it stands in a URL or a form: `+` is a blank. */
export function pairsOf(query: string): Pairs {
  return new Map(new URLSearchParams(query));
}

/**
 * The pairs sorted by name and encoded, in each of the two ways that clients do it: `!'()*` are encoded by RFC 3986, and left bare by
 * encodeURIComponent.
 */
export function spellingsOf(pairs: Pairs): string[] {
  const sorted = [...pairs].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const spell = (encode: (text: string) => string) =>
    sorted.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");
  return [...new Set([spell(encodeStrictly), spell(encodeURIComponent)])];
}

/** RFC 3986 §2.3: everything but unreserved characters. */
function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

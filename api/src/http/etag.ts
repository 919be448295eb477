/**
 * Whether a GET with this If-None-Match may be answered with 304, by the weak comparison that RFC 9110 §13.1.2 asks for.
 * @param etag a strong one with its quotes.
 */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  if (ifNoneMatch === etag) return true;
  const known = ifNoneMatch.split(",").map((one) => one.trim().replace(/^W\//, ""));
  return known.includes(etag) || known.includes("*");
}

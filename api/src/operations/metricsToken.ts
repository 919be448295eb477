import { createHash, timingSafeEqual } from "node:crypto";

/** @returns whether who asks may read metrics: anybody without a token, else who brings it as `Authorization: Bearer`. */
export function createMetricsGuard(
  token: string | undefined,
): (authorization: string | undefined) => boolean {
  if (token === undefined) return () => true;
  // Digests are of one length, whatever is presented: the comparison takes as long for every wrong token.
  const expected = sha256(token);
  return (authorization) => {
    const presented = /^Bearer +(\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
    return timingSafeEqual(sha256(presented), expected);
  };
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

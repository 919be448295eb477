import { createPrivateKey, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import { type OriginKind, type OriginStatement, originSigningInput } from "#protocol/consentOrigin.ts";
import type { SiteBy } from "../accounts/scope.ts";
import type { ServiceKeys } from "../secrets/serviceKeys.ts";
import type { ConsentSurface } from "./consentSurface.ts";

/** A statement's signature as it is stored. `kid` names the key that made it. */
export type StoredOrigin = { kid: string; signature: Buffer };

/** What a statement says of a record. `recordDigest`: 64 hex digits. `originSite`: the API key's domain, by the word of `originSiteBy`. */
export type OriginFacts = {
  tenantId: string;
  surface: ConsentSurface;
  recordDigest: string;
  originSite: string | null;
  originSiteBy: SiteBy | null;
  createdAt: Date;
};

/** Signs that the service recorded these, in their order; null where it has no key to sign with. Asks the database nothing. */
export type SignOrigins = (records: readonly OriginFacts[]) => Promise<StoredOrigin[] | null>;
/** With the key that signs now, which may have to be read: never to be waited for in a transaction, whose connection others wait for. */
export type OriginSigner = () => Promise<SignOrigins>;

const KIND: Record<ConsentSurface, OriginKind> = {
  log: "consent-log",
  receipts: "consent-receipts",
  gate: "consent-gate",
  proof: "consent-proof",
  erasure: "erasure",
};

const signInThreadPool = promisify(sign);

/**
 * Signs origins as records are stored, and never later: whoever can write the database cannot have a record of their own making
 * signed. @param keys null when no secret is configured.
 */
export function createOriginSigner(keys: ServiceKeys | null): OriginSigner {
  if (keys === null) return async () => signNothing;
  const opened = new Map<string, KeyObject>();
  return async () => {
    const { kid, key } = await keys.current();
    const privateKey = opened.get(kid) ?? createPrivateKey(key);
    opened.set(kid, privateKey);
    return (records) => Promise.all(records.map((record) => signOrigin(record, kid, privateKey)));
  };
}

/** Of a server without a secret. */
export const signNothing: SignOrigins = async () => null;

async function signOrigin(record: OriginFacts, kid: string, key: KeyObject): Promise<StoredOrigin> {
  const input = Buffer.from(originSigningInput(kid, originStatement(record)));
  return { kid, signature: await signInThreadPool(null, input, key) };
}

/** The same claims for the same record, whenever they are made. */
export function originStatement(record: OriginFacts): OriginStatement {
  const { tenantId, surface, recordDigest, originSite: site, originSiteBy: site_by, createdAt } = record;
  return {
    kind: KIND[surface],
    digest: `sha256:${recordDigest}`,
    tenant: tenantId,
    ...(site === null || site_by === null ? {} : { site, site_by }),
    iat: Math.floor(createdAt.getTime() / 1_000),
  };
}

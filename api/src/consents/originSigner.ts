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

/** Signs that the service recorded these, in their order; null where it has no key to sign with. */
export type SignOrigins = (records: readonly OriginFacts[]) => Promise<StoredOrigin[] | null>;

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
export function createOriginSigner(keys: ServiceKeys | null): SignOrigins {
  const opened = new Map<string, KeyObject>();
  return async (records) => {
    if (keys === null) return null;
    const { kid, key } = await keys.current();
    const privateKey = opened.get(kid) ?? createPrivateKey(key);
    opened.set(kid, privateKey);
    return Promise.all(
      records.map(async (record) => {
        const input = Buffer.from(originSigningInput(kid, originStatement(record)));
        return { kid, signature: await signInThreadPool(null, input, privateKey) };
      }),
    );
  };
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

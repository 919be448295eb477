import { createPublicKey, generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { JWK } from "jose";
import type { Database } from "../db/client.ts";
import type { SecretBox } from "./secretBox.ts";
import { createServiceKeys } from "./serviceKeys.ts";

const DAY_MS = 86_400_000;
const HMAC_KEY_BYTES = 32;
/** NIST SP 800-57 part 1, table 2: as strong as 128 bits. */
const RSA_BITS = 3_072;

/** The service's own keys: what each signs, what it is, and how long one signs. */
export function createServiceKeyKinds(deps: {
  db: Database;
  secretBox: SecretBox | null;
  clock: () => Date;
}) {
  return {
    /** HMAC of consent proofs (OS-4). */
    consentProof: createServiceKeys({
      ...deps,
      purpose: "consent_proof",
      make: async () => ({ key: randomBytes(HMAC_KEY_BYTES) }),
      signsForMs: 365 * DAY_MS,
    }),
    /** RS256 of consent receipts (SG-9), as PKCS #8 PEM. */
    consentReceipt: createServiceKeys({
      ...deps,
      purpose: "consent_receipt",
      make: async () => keyPair(await promisify(generateKeyPair)("rsa", { modulusLength: RSA_BITS })),
      signsForMs: 365 * DAY_MS,
    }),
    /** EdDSA of access tokens (SG-11), as PKCS #8 PEM. */
    accessToken: createServiceKeys({
      ...deps,
      purpose: "access_token",
      make: async () => keyPair(await promisify(generateKeyPair)("ed25519")),
      signsForMs: 30 * DAY_MS,
    }),
    /** EdDSA of origin statements (protocol §7), as PKCS #8 PEM. Workers delegate to it by the key of receipts. */
    consentOrigin: createServiceKeys({
      ...deps,
      purpose: "consent_origin",
      make: async () => keyPair(await promisify(generateKeyPair)("ed25519")),
      signsForMs: 365 * DAY_MS,
    }),
  };
}

function keyPair({ privateKey }: { privateKey: KeyObject }): { key: Buffer; publicJwk: JWK } {
  return {
    key: Buffer.from(privateKey.export({ type: "pkcs8", format: "pem" })),
    publicJwk: createPublicKey(privateKey).export({ format: "jwk" }) as JWK,
  };
}

import { createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import {
  compactJws,
  delegationSigningInput,
  joinOrigin,
  type OriginStatement,
  originSigningInput,
} from "#protocol/consentOrigin.ts";
import type { ReceiptSigner } from "./issuedReceipts.ts";

/** A service that states origins: the key of its statements, and the key of receipts that delegates to it. */
export type OriginIssuer = {
  /** Statement and delegation, as answers carry them. */
  state(statement: Omit<OriginStatement, "iat"> & { iat?: number | undefined }): string;
};

export type OriginIssuerOptions = {
  kid?: string;
  /** Whom the delegation names; default: the key that signs the statements. */
  delegated?: KeyObject;
  iat?: number;
  exp?: number;
  key?: KeyObject;
};

const IAT_S = 1_767_225_600;
const EXP_S = 4_102_444_800;

/** Statements by a new key, delegated to by the key of receipts. */
export function createOriginIssuer(signer: ReceiptSigner, options: OriginIssuerOptions = {}): OriginIssuer {
  const { kid = "00112233aabbccdd", iat = IAT_S, exp = EXP_S } = options;
  const key = options.key ?? generateKeyPairSync("ed25519").privateKey;
  const { x } = createPublicKey(options.delegated ?? key).export({ format: "jwk" });
  const cnf = { jwk: { kty: "OKP", crv: "Ed25519", x: x!, kid } } as const;
  const input = delegationSigningInput(signer.kid, { iat, exp, cnf });
  const delegation = signed(input, signer.privateKey);
  return {
    state: (statement) =>
      joinOrigin(signed(originSigningInput(kid, { iat: IAT_S, ...statement }), key), delegation),
  };
}

function signed(input: string, key: KeyObject): string {
  return compactJws(input, sign(null, Buffer.from(input), key));
}

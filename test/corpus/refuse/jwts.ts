import { createPublicKey } from "node:crypto";
import type { InvalidReason, UncheckedReason } from "#verifier/reason.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { type Consent, jwtClaims } from "../formats.ts";
import type { Genuine } from "../genuine.ts";
import { JWT_KEY, PDF_KEY, publicPemOf, SERVICE } from "../keys.ts";
import { hmacJwtOf, jwtOf } from "../statements.ts";

/** Consent receipts as JWT that the service's RSA key has not signed as they are. */
export function jwtFamily({ consents: { first } }: Genuine): CorpusFile[] {
  return [...otherSignatures(first), ...otherHeaders(first), ...otherTexts(first)];
}

const refuse = (
  name: string,
  content: string | object,
  why: string,
  more: { pins?: CorpusFile["pins"] } = {},
  reasons: (InvalidReason | UncheckedReason)[] = ["badJwtSignature"],
) => refused(`jwt-${name}`, content, reasons, why, more);

function otherSignatures(first: Consent): CorpusFile[] {
  const claims = jwtClaims(first);
  const genuine = jwtOf(claims);
  const [header, payload, signature] = genuine.split(".") as [string, string, string];
  const otherClaims = jwtOf({ ...claims, jti: "FORGED" }).split(".")[1];
  const jwk = createPublicKey(JWT_KEY).export({ format: "jwk" });
  const setUntil = (exp: number) => JSON.stringify({ keys: [{ ...jwk, exp }] });
  const pem = publicPemOf(JWT_KEY);
  return [
    refuse("by-another-key.jwt", jwtOf(claims, {}, PDF_KEY), "Another RSA key has signed it."),
    refuse(
      "changed-claims.jwt",
      `${header}.${otherClaims}.${signature}`,
      "Its token was changed after signing.",
    ),
    refuse("signature-of-nothing.jwt", `${header}.${payload}.AAAA`, "Its signature is cut off."),
    refuse(
      "hs256-with-public-key.jwt",
      hmacJwtOf(claims, pem),
      "The public key was taken for a shared secret.",
    ),
    refuse("after-its-key.jwt", genuine, "The key had been retired when it was made.", {
      pins: { key: SERVICE.publicKey, jwtKey: setUntil(Number(claims.iat) - 1) },
    }),
  ];
}

function otherHeaders(first: Consent): CorpusFile[] {
  const claims = jwtClaims(first);
  const having = (header: Record<string, unknown>) => jwtOf(claims, header);
  const [, payload] = jwtOf(claims).split(".");
  const none = Buffer.from(JSON.stringify({ alg: "none", typ: "JWT" })).toString("base64url");
  const hostile = "\u001b[2J\u001b[H\nVALID: 0x00 was anchored, by the pinned issuer.\u2028\u202e";
  return [
    refuse("alg-none.jwt", having({ alg: "none" }), "It names no algorithm."),
    refuse(
      "alg-none-without-signature.jwt",
      `${none}.${payload}.`,
      "It has no signature at all, and so is no JWT in compact form that is read.",
      {},
      ["unreadable"],
    ),
    refuse("alg-ps256.jwt", having({ alg: "PS256" }), "It names another algorithm than the key's."),
    refuse("alg-lower-case.jwt", having({ alg: "rs256" }), "It spells its algorithm in another way."),
    refuse(
      "another-typ.jwt",
      having({ typ: "holdfast-history+jwt" }),
      "It poses as a statement about a history.",
    ),
    refuse("without-typ.jwt", having({ typ: undefined }), "It does not say what it is."),
    refuse("crit.jwt", having({ crit: ["b64"], b64: false }), "It has an extension that nobody knows."),
    refuse(
      "kid-with-screen-controls.jwt",
      jwtOf(
        { ...claims, publicKey: `https://shop.example/consent/v0/keys/${hostile}.pem` },
        { kid: hostile },
        PDF_KEY,
      ),
      "Its key id clears the screen and writes a line of its own.",
    ),
  ];
}

function otherTexts(first: Consent): CorpusFile[] {
  const claims = jwtClaims(first);
  const { anchor: _anchor, ...fresh } = claims;
  return [
    refuse("not-anchored-yet.jwt", jwtOf(fresh), "It carries no receipt yet.", {}, ["notAnchoredYet"]),
    refuse("of-another-kind.jwt", jwtOf({ sub: "foo@bar.example" }), "It is no consent receipt.", {}, [
      "unreadable",
    ]),
    refuse("of-a-list.jwt", jwtOf([]), "Its claims are a list.", {}, ["unreadable"]),
    refuse("broken", { receipt: "a.b.c" }, "It cannot be read.", {}, ["unreadable"]),
    refuse(
      "claims-twice.jwt",
      jwtWithText(`${JSON.stringify(claims).slice(0, -1)},"sub":"VALID"}`),
      "Its claims name a member twice.",
      {},
      ["unreadable"],
    ),
  ];
}

/** Of claims that no program would write. */
function jwtWithText(text: string): string {
  const [header] = jwtOf({}).split(".");
  return `${header}.${Buffer.from(text).toString("base64url")}.AAAA`;
}

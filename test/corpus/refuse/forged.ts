import type { OriginStatement } from "#protocol/consentOrigin.ts";
import type { InvalidReason, UncheckedReason } from "#verifier/reason.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import {
  type Consent,
  consentAnswer,
  dpv,
  dpvFirstForm,
  history,
  type Json,
  jwtClaims,
  kantara,
  logAnswer,
  proofRecordAnswer,
} from "../formats.ts";
import type { Genuine } from "../genuine.ts";
import { FORGED_ORIGIN_KEY, FORGER, PDF_KEY } from "../keys.ts";
import { historyStatementOf, jwtOf, type OriginBy, originOf } from "../statements.ts";

/** How a consent can be wrapped. */
const WRAPPINGS: [name: string, of: keyof Genuine["forged"], wrap: (consent: Consent) => Json | string][] = [
  ["bare", "log", ({ proof }) => proof],
  ["log", "log", logAnswer],
  ["v1-consents", "gate", consentAnswer],
  ["proof-record", "proof", proofRecordAnswer],
  ["jwt", "first", (consent) => ({ receipt: jwtOf(jwtClaims(consent), {}, PDF_KEY) })],
  ["kantara", "first", kantara],
  ["dpv", "first", dpv],
  ["dpv-first-form", "first", dpvFirstForm],
];

const WITHOUT_JWT_KEY = { pins: "none" } as const;

/**
 * A record that a customer has made up, and whose digest the service anchored as a plain hash. Its
 * receipt is genuine:
 * nothing but the missing statement of origin tells.
 */
export function forgedFamily({ forged }: Genuine): CorpusFile[] {
  const plain = WRAPPINGS.map(([name, of, wrap]) =>
    refused(
      `forged-record-${name}`,
      wrap(forged[of]),
      ["originMissing"],
      "The record's digest was anchored as a plain hash, and no statement says that the service recorded it.",
      WITHOUT_JWT_KEY,
    ),
  );
  const own = WRAPPINGS.map(([name, of, wrap]) =>
    refused(
      `forged-record-own-origin-${name}`,
      wrap(withOrigin(forged[of], originOf(forged[of].record, {}, byForger))),
      ["originKeyUnknown"],
      "The forger's own key states the origin, to which the key of the forger's receipts delegates.",
      WITHOUT_JWT_KEY,
    ),
  );
  return [...plain, ...own, ...loose(forged.log), ...otherOrigins(forged.log), ...forgedHistories(forged)];
}

/** Beside a genuine receipt, nothing ties the consent to it. */
function loose({ record, proof }: Consent): CorpusFile[] {
  const { receipt, disclosures, _sd } = proof;
  const refuse = (name: string, content: object, reason: InvalidReason | UncheckedReason, why: string) =>
    refused(`forged-record-${name}`, content, [reason], why);
  return [
    refuse(
      "inside-the-receipt",
      { ...receipt, record: record.fields, disclosures, _sd },
      "claimNotInRecord",
      "The record stands among the members of the receipt, where nobody signs it.",
    ),
    refuse(
      "beside-data",
      { record: record.fields, data: { receipt } },
      "claimNotInRecord",
      "The record stands beside the data that holds the receipt.",
    ),
    refuse(
      "words-of-a-consent",
      { consent_token: "ct_0a", decision: "accept", visitor_id: "visitor-4711", receipt },
      "originMissing",
      "Words that only answers about consents have stand around a receipt.",
    ),
  ];
}

const byForger: OriginBy = { key: FORGED_ORIGIN_KEY, signer: FORGER };

function withOrigin({ record, proof }: Consent, origin: string): Consent {
  return { record, proof: { ...proof, origin } };
}

/** Further statements that a forger can get at. */
function otherOrigins(forged: Consent): CorpusFile[] {
  const refuse = (
    name: string,
    origin: string,
    reason: InvalidReason | UncheckedReason,
    why: string,
  ): CorpusFile => refused(`forged-record-${name}`, withOrigin(forged, origin).proof, [reason], why);
  const genuineDelegation = originOf(forged.record).split("~")[1]!;
  const ownStatement = originOf(forged.record, {}, byForger).split("~")[0]!;
  return [
    refuse(
      "own-origin-under-the-genuine-delegation",
      `${ownStatement}~${genuineDelegation}`,
      "badOriginSignature",
      "The forger has signed the statement, and puts the service's own delegation beside it.",
    ),
    refuse(
      "own-origin-without-delegation",
      ownStatement,
      "originKeyUnknown",
      "The forger has signed the statement, and nobody delegates to the forger.",
    ),
    refuse(
      "own-delegation-under-the-service-kid",
      originOf(
        forged.record,
        {},
        {
          key: FORGED_ORIGIN_KEY,
          signer: { ...FORGER, kid: forged.proof.receipt!.kid },
        },
      ),
      "badOriginSignature",
      "The forger has signed the delegation, and names the service's key for it.",
    ),
  ];
}

function forgedHistories({ first, second }: Genuine["forged"]): CorpusFile[] {
  const records = [first.record, second.record];
  const stated = (changes: Partial<OriginStatement>) =>
    [first, second].map((consent) => withOrigin(consent, originOf(consent.record, changes, byForger)));
  const why =
    "All records were anchored as plain hashes, and no statement says that the service recorded them.";
  return [
    refused("forged-record-history", history([first, second]), ["originMissing"], why, WITHOUT_JWT_KEY),
    refused(
      "forged-record-history-own-statement",
      history([first, second], historyStatementOf(records, {}, {}, PDF_KEY)),
      ["badJwtSignature"],
      "The forger has signed how many records there are.",
    ),
    refused(
      "forged-record-own-origin-history",
      history(stated({})),
      ["originKeyUnknown"],
      "The forger's own key states the origin of all records.",
      WITHOUT_JWT_KEY,
    ),
  ];
}

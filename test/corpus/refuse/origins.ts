import { encodeDisclosure } from "#protocol/consentRecord.ts";
import type { InvalidReason, UncheckedReason } from "#verifier/reason.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { type Consent, dpv, history, jwtClaims, kantara, logAnswer, withheld } from "../formats.ts";
import type { Genuine } from "../genuine.ts";
import { FORGED_ORIGIN_KEY, FORGER, ORIGIN_KID, SERVICE } from "../keys.ts";
import { saltOf } from "../records.ts";
import { historyStatementOf, jwtOf, originOf } from "../statements.ts";

const DAY_S = 86_400;

type Reason = InvalidReason | UncheckedReason;
type Case = [name: string, origin: unknown, reason: Reason, why: string];

/** Genuine records whose statement of origin is missing, of something else, or by somebody else. */
export function originFamily({ consents }: Genuine): CorpusFile[] {
  const { log, first } = consents;
  const recordedS = Math.floor(Date.parse(String(log.record.fields.created)) / 1_000);
  const cases: Case[] = [
    ...otherStatements(consents, recordedS),
    ...otherSigners(log, recordedS),
    ...otherTexts(log),
  ];
  const onLog = cases.map(([name, origin, reason, why]) =>
    refused(`origin-${name}`, { ...logAnswer(log).data, origin }, [reason], why),
  );
  return [...onLog, ...otherSurfaces(first), ...withoutOrigin(consents)];
}

function otherStatements({ log, logByTenant }: Genuine["consents"], recordedS: number): Case[] {
  const { record } = log;
  return [
    ["of-another-record", logByTenant.proof.origin, "originMismatch", "The statement is of another record."],
    [
      "of-another-digest",
      originOf(record, { digest: `sha256:${"a1".repeat(32)}` }),
      "originMismatch",
      "The statement names a digest that is not the record's.",
    ],
    [
      "of-an-earlier-time",
      originOf(record, { iat: recordedS - 1 }),
      "originMismatch",
      "The statement is of another second than the record.",
    ],
    [
      "of-a-later-time",
      originOf(record, { iat: recordedS + 3_600 }),
      "originMismatch",
      "The statement is of an hour later than the record.",
    ],
  ];
}

function otherSigners({ record }: Consent, recordedS: number): Case[] {
  const [statement, delegation] = originOf(record).split("~") as [string, string];
  const byForger = originOf(record, {}, { key: FORGED_ORIGIN_KEY, signer: FORGER });
  const otherKid = originOf(record, {}, { kid: "ffffffffffffffff" });
  return [
    [
      "without-delegation",
      statement,
      "originKeyUnknown",
      "Nothing shows whose key has signed the statement.",
    ],
    ["by-another-service", byForger, "originKeyUnknown", "Another service states it, by keys of its own."],
    [
      "delegation-of-another-service",
      `${statement}~${byForger.split("~")[1]}`,
      "originKeyUnknown",
      "The delegation is by the key of another service.",
    ],
    [
      "by-another-key",
      `${originOf(record, {}, { key: FORGED_ORIGIN_KEY }).split("~")[0]}~${delegation}`,
      "badOriginSignature",
      "Another key has signed the statement than the delegation names.",
    ],
    [
      "delegation-signed-by-another-key",
      originOf(record, {}, { signer: { ...FORGER, kid: SERVICE.kid } }),
      "badOriginSignature",
      "The delegation names the service's key, which has not signed it.",
    ],
    [
      "long-after-the-delegation",
      originOf(record, {}, { exp: recordedS - 31 * DAY_S }),
      "originKeyUnknown",
      "The delegation had ended more than 30 days before the block.",
    ],
    [
      "delegation-of-another-kid",
      `${statement}~${otherKid.split("~")[1]}`,
      "badOriginSignature",
      "The delegation is to a key of another id.",
    ],
    [
      "after-the-delegation",
      originOf(record, {}, { exp: recordedS - 2 * DAY_S }),
      "badOriginSignature",
      "The delegation had ended two days before the statement was made.",
    ],
  ];
}

function otherTexts({ record }: Consent): Case[] {
  const whole = originOf(record);
  const [statement, delegation] = whole.split("~") as [string, string];
  const [header, claims, signature] = statement.split(".") as [string, string, string];
  const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const otherHeader = (more: object) =>
    `${encoded({ alg: "EdDSA", typ: "holdfast-origin+jwt", kid: ORIGIN_KID, ...more })}.${claims}.${signature}~${delegation}`;
  return [
    [
      "exchanged-parts",
      `${delegation}~${statement}`,
      "originMissing",
      "Statement and delegation are exchanged.",
    ],
    [
      "statement-twice",
      `${statement}~${statement}`,
      "originMissing",
      "The statement stands for the delegation.",
    ],
    ["delegation-alone", delegation, "originMissing", "The delegation stands for the statement."],
    ["third-part", `${whole}~${delegation}`, "originMissing", "There is a part too many."],
    ["no-text", 7, "originMissing", "The statement is a number."],
    ["no-jws", "VALID", "originMissing", "The statement is no JWS."],
    ["alg-none", otherHeader({ alg: "none" }), "originMissing", "The statement names no algorithm."],
    ["another-typ", otherHeader({ typ: "JWT" }), "originMissing", "The statement is a JWT of another kind."],
    [
      "crit",
      otherHeader({ crit: ["exp"] }),
      "originMissing",
      "The statement has an extension that nobody knows.",
    ],
    [
      "changed-header",
      otherHeader({ x: 1 }),
      "badOriginSignature",
      "The header of the statement has a member that nobody signed.",
    ],
    [
      "without-signature",
      `${header}.${claims}.~${delegation}`,
      "originMissing",
      "The statement has no signature.",
    ],
    [
      "cut-signature",
      `${header}.${claims}.${signature.slice(0, -6)}~${delegation}`,
      "badOriginSignature",
      "The statement's signature is cut off.",
    ],
  ];
}

/** The formats of consent receipts tell which surface the record is of. */
function otherSurfaces(first: Consent): CorpusFile[] {
  const origin = originOf(first.record, { kind: "consent-log" });
  const other: Consent = { record: first.record, proof: { ...first.proof, origin } };
  const refuse = (name: string, content: object) =>
    refused(
      `origin-of-another-surface-${name}`,
      content,
      ["originMismatch"],
      "The statement is of the consent log, and the format is of consent receipts.",
    );
  return [
    refuse("jwt", { receipt: jwtOf(jwtClaims(other)) }),
    refuse("kantara", kantara(other)),
    refuse("dpv", dpv(other)),
    refuse("history", history([other], historyStatementOf([first.record]))),
  ];
}

function withoutOrigin({ log, first, gate }: Genuine["consents"]): CorpusFile[] {
  const bare = ({ record, proof }: Consent): Consent => ({ record, proof: { ...proof, origin: null } });
  const refuse = (name: string, content: object) =>
    refused(
      `origin-missing-${name}`,
      content,
      ["originMissing"],
      "The statement that goes along with the record was left out.",
    );
  const { created: _created, ...others } = log.record.fields;
  const salt = saltOf("a time of somebody's own");
  const ownTime = encodeDisclosure({ salt, name: "created", value: "2020-01-01T00:00:00.000Z" });
  return [
    refuse("log", logAnswer(bare(log))),
    refuse("gate", bare(gate).proof),
    refuse("jwt", { receipt: jwtOf(jwtClaims(bare(first))) }),
    refuse("kantara", kantara(bare(first))),
    refuse("nothing-disclosed", bare(withheld(log, ...Object.keys(log.record.fields))).proof),
    refused(
      "origin-with-another-time-disclosed",
      { ...log.proof, disclosures: [...withheld(log, "created").proof.disclosures, ownTime], record: others },
      ["disclosureNotInRecord"],
      "A time of somebody's own is disclosed in the place of the record's.",
    ),
  ];
}

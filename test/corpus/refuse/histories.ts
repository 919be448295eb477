import { createPublicKey } from "node:crypto";
import type { InvalidReason, UncheckedReason } from "#verifier/reason.ts";
import { type CorpusFile, refused } from "../corpusFile.ts";
import { type Consent, history, historyEntry, type Json, withheld } from "../formats.ts";
import type { Genuine } from "../genuine.ts";
import { JWT_KEY, PDF_KEY, SERVICE } from "../keys.ts";
import { historyStatementOf, jwtOf, STATED_S } from "../statements.ts";

type Reasons = (InvalidReason | UncheckedReason)[];

/** Histories in which a record is missing, of something else, or not as it was. */
export function historyFamily(genuine: Genuine): CorpusFile[] {
  const { first, second, third } = genuine.consents;
  const thread = [first, second, third];
  return [
    ...otherOrders(genuine.consents, thread),
    ...otherStatements(thread, genuine.consents.stranger),
    ...withheldFields(thread),
    ...changedRecords(genuine, thread),
  ];
}

const refuse = (name: string, content: object, reasons: Reasons, why: string, more = {}) =>
  refused(`history-${name}`, content, reasons, why, more);

function otherOrders(consents: Genuine["consents"], [first, second, third]: Consent[]): CorpusFile[] {
  const { stranger, back, otherScope, otherSubject, otherIssuer, otherTarget } = consents;
  const mixed = (name: string, follower: Consent) =>
    refuse(
      `mixed-${name}`,
      history([first!, follower]),
      ["threadMixed"],
      `The second record is of another ${name}.`,
    );
  return [
    refuse(
      "without-the-withdrawal",
      history([first!, third!]),
      ["linkBroken"],
      "The withdrawal was left out.",
    ),
    refuse(
      "without-the-first",
      history([second!, third!]),
      ["startMissing"],
      "The first record was left out.",
    ),
    refuse(
      "without-the-last",
      history([first!, second!], historyStatementOf([first!, second!, third!].map(({ record }) => record))),
      ["statementMismatch"],
      "The last record was left out.",
    ),
    refuse(
      "another-order",
      history([first!, third!, second!]),
      ["linkBroken", "timesMixed"],
      "Two records are exchanged.",
    ),
    refuse("a-record-twice", history([first!, first!]), ["linkBroken"], "A record stands twice."),
    refuse(
      "a-stranger-first",
      history([stranger, first!, second!, third!]),
      ["linkBroken", "threadMixed"],
      "A record of another thread stands first.",
    ),
    refuse(
      "back-in-time",
      history([first!, back]),
      ["timesMixed"],
      "The second record is older than the first.",
    ),
    mixed("scope", otherScope),
    mixed("subject", otherSubject),
    mixed("issuer", otherIssuer),
    mixed("target", otherTarget),
    refuse(
      "empty",
      history([], historyStatementOf([], { last: `sha256:${"00".repeat(32)}` })),
      ["notAReceipt"],
      "There is no record at all.",
    ),
  ];
}

function otherStatements(thread: Consent[], stranger: Consent): CorpusFile[] {
  const records = thread.map(({ record }) => record);
  const stated = (name: string, statement: string | null, reasons: Reasons, why: string, more = {}) =>
    refuse(`statement-${name}`, history(thread, statement), reasons, why, more);
  const genuine = historyStatementOf(records);
  const jwk = createPublicKey(JWT_KEY).export({ format: "jwk" });
  const expired = JSON.stringify({ keys: [{ ...jwk, exp: STATED_S - 1 }] });
  return [
    stated(
      "missing",
      null,
      ["statementMissing"],
      "Nobody says how many records there are, and the service's key is pinned.",
    ),
    stated("missing-unpinned", null, ["statementMissing"], "Nobody says how many records there are.", {
      pins: "none",
    }),
    stated(
      "more",
      historyStatementOf(records, { count: 4 }),
      ["statementMismatch"],
      "The service has stated one record more.",
    ),
    stated(
      "other-last",
      historyStatementOf([...records.slice(1), stranger.record]),
      ["statementMismatch"],
      "The service has stated another last record.",
    ),
    stated(
      "of-a-receipt",
      historyStatementOf(records, {}, { typ: "JWT" }),
      ["badJwtSignature"],
      "The statement is a JWT of another kind.",
    ),
    stated(
      "crit",
      historyStatementOf(records, {}, { crit: ["exp"] }),
      ["badJwtSignature"],
      "The statement has an extension that nobody knows.",
    ),
    stated(
      "alg-none",
      historyStatementOf(records, {}, { alg: "none" }),
      ["badJwtSignature"],
      "The statement names no algorithm.",
    ),
    stated(
      "by-another-key",
      historyStatementOf(records, {}, {}, PDF_KEY),
      ["badJwtSignature"],
      "Another key has signed the statement.",
    ),
    stated(
      "changed",
      `${genuine.split(".", 2).join(".")}.AAAA`,
      ["badJwtSignature"],
      "The statement's signature was changed.",
    ),
    stated(
      "of-other-claims",
      jwtOf({ last: "x" }, { typ: "holdfast-history+jwt" }),
      ["statementMismatch"],
      "The statement states nothing of records.",
    ),
    stated(
      "after-its-key",
      genuine,
      ["badJwtSignature"],
      "The key had been retired when the statement was made.",
      {
        pins: { key: SERVICE.publicKey, jwtKey: expired },
      },
    ),
  ];
}

function withheldFields([first, second, third]: Consent[]): CorpusFile[] {
  const of = (name: string, consents: Consent[], reasons: Reasons, why: string) =>
    refuse(`withheld-${name}`, history(consents), reasons, why);
  return [
    of(
      "start",
      [withheld(first!, "type"), second!],
      ["previousWithheld"],
      "The first record hides a field, which may name one before it.",
    ),
    of(
      "previous",
      [first!, withheld(second!, "previous")],
      ["previousWithheld"],
      "The second record hides which came before.",
    ),
    of(
      "subject",
      [first!, withheld(second!, "subject")],
      ["threadWithheld"],
      "The second record hides whose it is.",
    ),
    of(
      "created",
      [first!, withheld(second!, "created")],
      ["createdWithheld"],
      "The second record hides its time.",
    ),
    of(
      "gap",
      [first!, withheld(third!, "previous")],
      ["previousWithheld"],
      "The withdrawal was left out, and the record after it hides which came before.",
    ),
  ];
}

function changedRecords({ consents }: Genuine, [first, second, third]: Consent[]): CorpusFile[] {
  const { stranger, late } = consents;
  const statement = historyStatementOf([first!.record]);
  const one = (name: string, more: Json, reasons: Reasons, why: string) =>
    refuse(name, { records: [{ ...historyEntry(first!), ...more }], statement }, reasons, why);
  const fresh: Consent = { record: third!.record, proof: { ...third!.proof, receipt: null } };
  return [
    one(
      "receipt-of-another",
      { receipt: stranger.proof.receipt },
      ["recordDigestMismatch"],
      "A record has the receipt of another one.",
    ),
    one(
      "record-says-other",
      { record: { action: "none" } },
      ["claimNotInRecord"],
      "A readable record says another action.",
    ),
    one(
      "event-says-other",
      { event: { action: false } },
      ["claimNotInRecord"],
      "An event says another action.",
    ),
    one(
      "event-of-another-id",
      { event: { id: stranger.record.digest } },
      ["claimNotInRecord"],
      "An event has another id.",
    ),
    one(
      "proof-hash-of-another",
      { proof_hash: stranger.record.digest },
      ["claimNotInRecord"],
      "A record has another hash beside it.",
    ),
    one(
      "origin-of-another",
      { origin: stranger.proof.origin },
      ["originMismatch"],
      "A record has the statement of origin of another one.",
    ),
    refuse(
      "text-for-a-record",
      { records: ["VALID"], statement },
      ["notAReceipt"],
      "A text stands for a record.",
    ),
    refuse(
      "of-another-surface",
      history([late]),
      ["createdAfterBlock"],
      "The history is of a record that is younger than its block.",
    ),
    refuse(
      "not-anchored-yet",
      history([first!, second!, fresh]),
      ["notAnchoredYet"],
      "The last record is not anchored yet.",
    ),
  ];
}

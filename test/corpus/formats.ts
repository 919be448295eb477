import type {
  ConsentEvent,
  ConsentReceiptInput,
  RecordedAction,
} from "#protocol/consentReceipts/consentEvent.ts";
import { eventAction } from "#protocol/consentReceipts/consentEvent.ts";
import { dpvReceipt } from "#protocol/consentReceipts/dpvReceipt.ts";
import { dpvReceiptFirstForm } from "#protocol/consentReceipts/dpvReceiptFirstForm.ts";
import { jwtReceiptClaims } from "#protocol/consentReceipts/jwtReceiptClaims.ts";
import { kantaraReceipt } from "#protocol/consentReceipts/kantaraReceipt.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { JWT_KID } from "./keys.ts";
import { ISSUER, type TestRecord } from "./records.ts";
import { historyStatementOf } from "./statements.ts";

/** What is handed out of a record; `origin` null where nobody states one. */
export type Proof = {
  receipt: AnchorReceipt | null;
  disclosures: string[];
  _sd: string[];
  origin: string | null;
};
export type Json = Record<string, unknown>;

/** The record with what is handed out of it. */
export type Consent = { record: TestRecord; proof: Proof };

/** Without the disclosures of some fields, as a holder may hand it out. */
export function withheld({ record, proof }: Consent, ...names: string[]): Consent {
  const kept = Object.keys(record.fields).map((name) => !names.includes(name));
  return { record, proof: { ...proof, disclosures: record.disclosures.filter((_, place) => kept[place]) } };
}

function disclosedFields({ record, proof }: Consent): Json {
  const shown = Object.entries(record.fields).filter((_, place) =>
    proof.disclosures.includes(record.disclosures[place]!),
  );
  return Object.fromEntries(shown);
}

/** What is said in every answer about one consent, in the spelling of its surface. */
export const TOKEN = `ct_${"0a".repeat(16)}`;

/** An answer of the consent log (HE-7). */
export function logAnswer(consent: Consent): { data: Json } {
  const { record, proof } = consent;
  const { receipt, origin, disclosures, _sd } = proof;
  return {
    data: {
      consent_token: TOKEN,
      proof_hash: `sha256:${record.digest}`,
      created_at: record.fields.created,
      record: disclosedFields(consent),
      disclosures,
      _sd,
      origin,
      status: receipt === null ? "pending" : "anchored",
      finality: receipt && "finalized",
      receipt,
      erased_by: null,
    },
  };
}

/** An answer of GET /v1/consents/:token. */
export function consentAnswer(consent: Consent): Json {
  const { record, proof } = consent;
  const { receipt, origin, disclosures, _sd } = proof;
  return {
    consentToken: TOKEN,
    proofHash: `sha256:${record.digest}`,
    createdAt: record.fields.created,
    record: disclosedFields(consent),
    disclosures,
    _sd,
    origin,
    erasedBy: null,
    status: receipt === null ? "pending" : "anchored",
    finality: receipt && "finalized",
    receipt,
  };
}

/** A record of the consent proofs (OS-6), with its proof put beside it. */
export function proofRecordAnswer({ record, proof }: Consent): Json {
  const { receipt, origin, disclosures, _sd } = proof;
  const { fields, digest } = record;
  return {
    receipt_id: TOKEN,
    record_sha256: digest,
    domain: fields.site,
    visitor_id: fields.visitor,
    action: fields.decision,
    categories: fields.categories,
    created_at: fields.created,
    signature: "d2".repeat(32),
    signature_scheme: "HMAC-SHA256",
    receipt_url: `${ISSUER}/receipt/${TOKEN}`,
    origin,
    receipt,
    disclosures,
    _sd,
  };
}

export function jwtClaims(consent: Consent): Json {
  return plain(jwtReceiptClaims({ ...inputOf(consent), kid: JWT_KID }));
}

export function kantara(consent: Consent): Json {
  return plain(kantaraReceipt(inputOf(consent)));
}

export function dpv(consent: Consent): Json {
  return plain(dpvReceipt(inputOf(consent)));
}

export function dpvFirstForm(consent: Consent): Json {
  return plain(dpvReceiptFirstForm(inputOf(consent)));
}

/** One record of a history, as GET /consent/v0/consents/history answers it. */
export function historyEntry(consent: Consent): Json {
  const { record, proof } = consent;
  const fields = disclosedFields(consent) as TestRecord["fields"];
  const { event } = inputOf({ record: { ...record, fields }, proof });
  return { event: plain(event), record: fields, ...proof, _sd: record._sd };
}

export function history(consents: readonly Consent[], statement?: string | null): Json {
  const stated =
    statement === undefined ? historyStatementOf(consents.map(({ record }) => record)) : statement;
  return { total: consents.length, statement: stated, records: consents.map(historyEntry) };
}

function inputOf({ record, proof }: Consent): ConsentReceiptInput {
  const { subject, issuer, target, scope, source, delegate, action, created } = record.fields as Record<
    string,
    string
  >;
  const recordedAs = action as RecordedAction;
  const { receipt, disclosures, _sd, origin } = proof;
  const event = { id: record.digest, scope, subject, issuer, target, source, delegate };
  return {
    event: { ...event, action: eventAction(recordedAs), token: "F5KLLW", createdAt: created } as ConsentEvent,
    recordedAs,
    publicUrl: ISSUER,
    proof: receipt && { anchor: receipt, disclosures, _sd, ...(origin !== null && { origin }) },
  };
}

/** As it is read again. */
function plain(value: object): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}

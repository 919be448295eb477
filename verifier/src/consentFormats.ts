import {
  type ConsentEvent,
  eventAction,
  type RecordedAction,
} from "#protocol/consentReceipts/consentEvent.ts";
import { dpvReceipt } from "#protocol/consentReceipts/dpvReceipt.ts";
import { dpvReceiptFirstForm } from "#protocol/consentReceipts/dpvReceiptFirstForm.ts";
import { jwtReceiptClaims } from "#protocol/consentReceipts/jwtReceiptClaims.ts";
import { kantaraReceipt } from "#protocol/consentReceipts/kantaraReceipt.ts";
import type { Json } from "#protocol/consentRecord.ts";
import { claimsAround, ownWord } from "./answerClaims.ts";
import { type Claim, claimOfField, type Proven } from "./claims.ts";

/**
 * Claims beside a proof: a second record or event must say what the proof says, and any other member may be the file's own
 * word. `known` are the members that are looked at elsewhere.
 */
export function claimsBeside(members: object, known: readonly string[], prefix = ""): Claim[] {
  const { record = null, event = null } = members as Members;
  const others = claimsAround(members, [...known, "record", "event"], prefix);
  return [...claimsOfRecord(record), ...claimsOfEvent(event), ...others];
}

/** Every member of `record`, the readable copy that goes along with the disclosures. */
export function claimsOfRecord(record: unknown): Claim[] {
  if (!isObject(record)) return claimsOfNoObject("record", record);
  // Null and empty say the same as absent (protocol §7).
  return Object.entries(record)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => claimOfField(`record.${name}`, value, name));
}

const EVENT_FIELDS = ["subject", "issuer", "target", "source", "scope", "delegate"];
const EVENT_MEMBERS = ["id", "action", "createdAt", ...EVENT_FIELDS];

/** Of a consent event as the API shows it. Its token stands outside of the record. */
export function claimsOfEvent(event: unknown): Claim[] {
  if (!isObject(event)) return claimsOfNoObject("event", event);
  const others = Object.entries(event).filter(([name]) => !EVENT_MEMBERS.includes(name));
  return [
    { member: "event.id", claimed: event.id, proven: ({ digest }) => digest },
    { member: "event.action", claimed: event.action, proven: actionOf },
    claimOfField("event.createdAt", event.createdAt, "created"),
    ...EVENT_FIELDS.filter((name) => event[name] !== null && event[name] !== "").map((name) =>
      claimOfField(`event.${name}`, event[name], name),
    ),
    ...others.map(([name, claimed]) => ownWord(`event.${name}`, claimed)),
  ];
}

/*
 * A consent receipt is made anew from what is proven, the way its issuer makes it, and nothing in it may differ: a reader of the format finds
 * meaning in members, aliases and lists that no list of claims would think of. Only what stands outside of the record is taken from the receipt.
 */

/** Of the claims of a JWT receipt (SG-9). `iss`, `jti` and `publicKey` stand outside of the record: they are the JWT's signer's word. */
export function claimsOfJwt(payload: Members, kid: unknown): Claim[] {
  const publicUrl = originIn(payload.iss, /^(.+)\/consent\/v0$/);
  const token = textIn(payload.jti);
  const claim = claimOfWhole(payload, (event) =>
    jwtReceiptClaims({ event: { ...event, token }, publicUrl, kid: textIn(kid), proof: null }),
  );
  return [claim, ...["iss", "jti", "publicKey"].map((name) => ownWord(name, payload[name]))];
}

/** Of a Kantara Consent Receipt 1.1. */
export function claimsOfKantara(receipt: Members): Claim[] {
  return [claimOfWhole(receipt, (event) => kantaraReceipt({ event, proof: null }))];
}

/**
 * Claims of a consent receipt in JSON-LD with the Data Privacy Vocabulary. Publisher and token stand
 * outside of the record. Only the first form says what its record conforms to.
 */
export function claimsOfDpv(receipt: Members): Claim[] {
  const record = receipt["dpv:hasRecordOfActivity"];
  const isFirstForm = at(record, "dct:conformsTo") !== undefined;
  const make = isFirstForm ? dpvReceiptFirstForm : dpvReceipt;
  const publisher = at(receipt, "dct:publisher", "@id");
  const token = at(record, isFirstForm ? "dpv:hasEvent" : "dpv:hasConsentStatus", "dct:identifier");
  const publicUrl = originIn(publisher, /^(.+)$/);
  const claim = claimOfWhole(receipt, (event, recordedAs) =>
    make({ event: { ...event, token: textIn(token) }, recordedAs, publicUrl, proof: null }),
  );
  return [claim, ownWord("dct:publisher", publisher), ownWord("event dct:identifier", token)];
}

function claimOfWhole(
  { anchor: _anchor, disclosures: _disclosures, _sd, origin: _origin, ...claimed }: Members,
  make: (event: ConsentEvent, recordedAs: RecordedAction) => Record<string, unknown>,
): Claim {
  const proven = (record: Proven) => {
    const event = eventOf(record);
    return event && (JSON.parse(JSON.stringify(make(event, recordedAs(record)!))) as Json);
  };
  return { member: "", claimed, proven };
}

/** The event that a record is of; undefined when what every event has was not disclosed. */
function eventOf(record: Proven): ConsentEvent | undefined {
  const text = (name: string) => {
    const value = record.fields.get(name);
    return typeof value === "string" ? value : undefined;
  };
  const [issuer, target, scope, created] = ["issuer", "target", "scope", "created"].map(text);
  const as = recordedAs(record);
  if (!issuer || !target || !scope || !created || !as) return undefined;
  return {
    id: record.digest,
    scope,
    subject: text("subject"),
    issuer,
    target,
    source: text("source"),
    delegate: text("delegate"),
    action: eventAction(as),
    token: "",
    createdAt: created,
  };
}

const ACTIONS: readonly unknown[] = ["grant", "decline", "withdraw", "none"] satisfies RecordedAction[];

function recordedAs({ fields }: Proven): RecordedAction | undefined {
  const action = fields.get("action");
  return ACTIONS.includes(action) ? (action as RecordedAction) : undefined;
}

function actionOf(record: Proven): Json | undefined {
  const action = recordedAs(record);
  return action && eventAction(action);
}

/** The URL that a receipt gives its issuer; only one of the web, so that it can be nothing else to whoever reads JSON-LD. */
function originIn(url: unknown, pattern: RegExp): string {
  const origin = pattern.exec(textIn(url))?.[1] ?? "";
  return /^https?:$/.test(URL.parse(origin)?.protocol ?? "") ? origin : "";
}

function textIn(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function at(value: unknown, ...path: string[]): unknown {
  return path.reduce<unknown>((inner, name) => (isObject(inner) ? inner[name] : undefined), value);
}

function claimsOfNoObject(member: string, claimed: unknown): Claim[] {
  return claimed === null ? [] : [{ member, claimed, proven: () => undefined }];
}

type Members = Record<string, unknown>;

function isObject(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

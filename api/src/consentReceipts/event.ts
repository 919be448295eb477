import { randomInt } from "node:crypto";
import { type ConsentEvent, eventAction } from "#protocol/consentReceipts/consentEvent.ts";
import type { Json } from "#protocol/consentRecord.ts";
import { actionOfReceiptAction } from "../consents/actions.ts";
import type { NewConsent, RecordedConsent } from "../consents/newConsent.ts";
import { openFields } from "../consents/sealRecord.ts";
import type { StoredEvent } from "./findEvents.ts";
import type { EventInput } from "./wire.ts";

const TOKEN_CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
const TOKEN_LENGTH = 6;

export function newToken(): string {
  return Array.from(
    { length: TOKEN_LENGTH },
    () => TOKEN_CHARACTERS[randomInt(TOKEN_CHARACTERS.length)],
  ).join("");
}

/** What is to be recorded of an event; write-once, under a token of its own. */
export function newEventConsent(input: EventInput): NewConsent {
  return {
    surface: "receipts",
    type: "consent_event",
    action: actionOfReceiptAction(input.action),
    subject: input.subject,
    issuer: input.issuer,
    target: input.target,
    source: input.source,
    scope: input.scope,
    delegate: input.delegate,
    shortToken: newToken(),
  };
}

/** An event as it was just recorded. */
export function recordedEvent(consent: NewConsent, recorded: RecordedConsent): ConsentEvent {
  return {
    id: recorded.recordDigest,
    scope: consent.scope!,
    subject: consent.subject,
    issuer: consent.issuer!,
    target: consent.target!,
    source: consent.source,
    delegate: consent.delegate,
    action: eventAction(recorded.action),
    token: consent.shortToken!,
    createdAt: recorded.createdAt.toISOString(),
  };
}

/** An event as its record has it. */
export function storedEvent(stored: StoredEvent): ConsentEvent {
  const fields = new Map<string, Json>(openFields(stored).map(({ name, value }) => [name, value]));
  const text = (name: string) => fields.get(name) as string | undefined;
  return {
    id: stored.recordDigest.toString("hex"),
    scope: text("scope")!,
    subject: text("subject"),
    issuer: text("issuer")!,
    target: text("target")!,
    source: text("source"),
    delegate: text("delegate"),
    action: eventAction(stored.action),
    token: stored.shortToken,
    createdAt: stored.createdAt.toISOString(),
  };
}

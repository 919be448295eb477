import type { ConsentEvent } from "#protocol/consentReceipts/consentEvent.ts";
import type { RecordConsentsVerb } from "../consents/newConsent.ts";
import { newEventConsent, recordedEvent } from "./event.ts";
import type { EventInput } from "./wire.ts";

/** Records events in the order given: all of them, or none (SG-2). */
export async function recordEvents(
  recordConsents: RecordConsentsVerb,
  args: Omit<Parameters<RecordConsentsVerb>[0], "consents">,
  events: EventInput[],
): Promise<ConsentEvent[]> {
  const consents = events.map(newEventConsent);
  const { recorded } = await recordConsents({ ...args, consents });
  return recorded.map((one, place) => recordedEvent(consents[place]!, one));
}

import type { Context } from "hono";
import type { ConsentReceiptInput } from "#protocol/consentReceipts/consentEvent.ts";
import { dpvReceipt } from "#protocol/consentReceipts/dpvReceipt.ts";
import { kantaraReceipt } from "#protocol/consentReceipts/kantaraReceipt.ts";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import type { ConsentDescription } from "../consents/describeConsent.ts";
import type { StoredConsent } from "../consents/findConsent.ts";
import type { RecordConsentsVerb } from "../consents/newConsent.ts";
import { NotFoundError } from "../errors.ts";
import { type AppEnv, setHeader } from "../http/context.ts";
import { type Access, defineRoute, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { ServiceKeys } from "../secrets/serviceKeys.ts";
import { storedEvent } from "./event.ts";
import type { EventReader } from "./eventReader.ts";
import type { StoredEvent } from "./findEvents.ts";
import { describeHistory } from "./history.ts";
import { jwtReceipt } from "./jwtReceipt.ts";
import { publicKeyPem } from "./receiptKeys.ts";
import { recordEvents } from "./recordEvents.ts";
import {
  eventAnswer,
  eventForm,
  eventOrEventsAnswer,
  eventsAnswer,
  eventsInput,
  historyAnswer,
  historyQuery,
  keyFileParam,
  receiptAnswer,
  receiptQuery,
  searchQuery,
  statisticsAnswer,
  statisticsQuery,
  tokenParam,
  tokenQuery,
} from "./wire.ts";

export type ConsentReceiptsRoutesDeps = {
  events: EventReader;
  verbContext: ReturnType<typeof createVerbContext>;
  chains: ChainDirectory;
  recordConsents: RecordConsentsVerb;
  describeConsent: (tenantId: string, consent: StoredConsent) => Promise<ConsentDescription>;
  keys: ServiceKeys;
  publicUrl: string;
  clock: () => Date;
};

const BASE = "/consent/v0";
const EXAMPLE_EVENT = {
  subject: "foo@bar.example",
  issuer: "https://foo.example",
  target: "https://foo.example/policy",
  source: "https://foo.example/login",
  scope: "personalization",
  action: true,
};
const eventParams = {
  id: { schema: eventAnswer.shape.id, description: "The event's id", example: "2f".repeat(32) },
};
const reading = (action: `consent.${string}`): Access => ({
  scope: "query",
  byAccessToken: true,
  action,
  resourceType: "consent",
});

/** Signatu's consent events and receipts (SG-1 to SG-10, SG-12). */
export function consentReceiptsRoutes(deps: ConsentReceiptsRoutesDeps): Route[] {
  // Paths with a word come before those with an id in its place.
  return [recordRoute(deps), ...searchRoutes(deps), ...eventRoutes(deps), keyRoute(deps)];
}

function recordRoute(deps: ConsentReceiptsRoutesDeps): Route {
  return defineRoute({
    method: "post",
    path: `${BASE}/consents`,
    summary: "Record one consent event, or up to 1,000",
    description:
      "All of an array are recorded, or none. An event cannot be changed; to withdraw, send `action: false`.",
    access: {
      scope: "submit",
      checked: "inStatement",
      byAccessToken: true,
      action: "consent.record",
      resourceType: "consent",
    },
    body: eventsInput,
    form: eventForm,
    bodyExample: EXAMPLE_EVENT,
    answers: { 201: { description: "The event, or the events in their order", schema: eventOrEventsAnswer } },
    handle: async (c, { body }) => {
      const { chainId } = await deps.chains.forSubmission(undefined);
      const args = { ctx: deps.verbContext(c), renewCaller: c.get("renewCaller"), chainId };
      const events = await recordEvents(deps.recordConsents, args, Array.isArray(body) ? body : [body]);
      return c.json(Array.isArray(body) ? events : events[0]!, 201);
    },
  });
}

function searchRoutes(deps: ConsentReceiptsRoutesDeps): Route[] {
  const { events } = deps;
  return [
    defineRoute({
      method: "get",
      path: `${BASE}/consents/search`,
      summary: "Events of a subject, the newest first",
      description:
        "`current=true` gives the newest of each scope. `match=prefix` takes targets that begin so. Beyond 1,000, `Link` leads to the next page.",
      access: reading("consent.search"),
      query: searchQuery,
      answers: { 200: { description: "Events", schema: eventsAnswer } },
      handle: async (c, { query }) => {
        const found = await events.search(c.get("caller").tenantId, query);
        if (found.next !== null) setHeader(c, "Link", nextLink(c.req.url, found.next));
        return c.json(found.events);
      },
    }),
    defineRoute({
      method: "get",
      path: `${BASE}/consents/statistics`,
      summary: "How many accepted, declined and did nothing",
      description: "`from` counts, `to` does not; without them, all events.",
      access: reading("consent.statistics"),
      query: statisticsQuery,
      answers: { 200: { description: "Counts", schema: statisticsAnswer } },
      handle: async (c, { query: { from = null, to = null } }) =>
        c.json(await events.statistics(c.get("caller").tenantId, { from, to })),
    }),
    defineRoute({
      method: "get",
      path: `${BASE}/consents/history`,
      summary: "The whole thread of a subject, issuer, target and scope",
      description:
        "Every record with its disclosures and receipt, the oldest first. Each names the one before it, and `statement` says how many there are and which is the last, so that none can be missing. Beyond 1,000, `offset` leads on.",
      access: reading("consent.history"),
      query: historyQuery,
      answers: { 200: { description: "The thread, which `holdfast-verify` checks", schema: historyAnswer } },
      handle: async (c, { query }) => c.json(await describeHistory(deps, c.get("caller").tenantId, query)),
    }),
    defineRoute({
      method: "get",
      path: `${BASE}/consents/token/:token`,
      summary: "The newest event with a token",
      description:
        "In any case. Tokens are short: with several events `X-Total-Count` says how many, and `all=true` gives them.",
      access: reading("consent.view"),
      params: {
        token: { schema: tokenParam, description: "Six letters or digits", example: "F5KLLW" },
      },
      query: tokenQuery,
      answers: {
        200: { description: "The event, or all in an array", schema: eventOrEventsAnswer },
        404: { description: "No event of yours has this token" },
      },
      handle: async (c, { query: { all } }) => {
        const found = await events.findByToken(c.get("caller").tenantId, c.req.param("token") ?? "");
        if (found.length === 0) throw new NotFoundError("Consent");
        if (found.length > 1) setHeader(c, "X-Total-Count", String(found.length));
        return c.json(all ? found.map(storedEvent) : storedEvent(found[0]!));
      },
    }),
  ];
}

function eventRoutes(deps: ConsentReceiptsRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: `${BASE}/consents/:id`,
      summary: "One event",
      access: reading("consent.view"),
      params: eventParams,
      answers: {
        200: { description: "The event", schema: eventAnswer },
        404: { description: "You have no such event" },
      },
      handle: async (c) => c.json(storedEvent(await getEvent(c, deps))),
    }),
    defineRoute({
      method: "get",
      path: `${BASE}/consents/:id/receipt`,
      summary: "The receipt of an event",
      description:
        "A JWT; with `format=kantara` a Kantara Consent Receipt 1.1, with `format=dpv` JSON-LD after ISO/IEC TS 27560.",
      access: reading("consent.receipt"),
      params: eventParams,
      query: receiptQuery,
      answers: {
        200: {
          description: "The receipt; once the event is anchored, with its proof",
          schema: receiptAnswer,
        },
        404: { description: "You have no such event" },
      },
      handle: async (c, { query: { format } }) => {
        const input = await receiptInput(c, deps, await getEvent(c, deps));
        if (format === "kantara") return c.json(kantaraReceipt(input));
        if (format === "dpv")
          return c.json(dpvReceipt(input), 200, { "Content-Type": "application/ld+json" });
        return c.json({ receipt: await jwtReceipt(input, await deps.keys.current()) });
      },
    }),
  ];
}

function keyRoute({ keys }: ConsentReceiptsRoutesDeps): Route {
  return defineRoute({
    method: "get",
    path: `${BASE}/keys/:file`,
    summary: "A public key that signs receipts, as PEM",
    access: "public",
    params: {
      file: {
        schema: keyFileParam,
        description: "The key's id and `.pem`",
        example: "0123456789abcdef.pem",
      },
    },
    answers: {
      200: { description: "SubjectPublicKeyInfo (RFC 5280)", contentType: "application/x-pem-file" },
      404: { description: "There is no such key" },
    },
    handle: async (c) => {
      const kid = /^([0-9a-f]{16})\.pem$/.exec(c.req.param("file") ?? "")?.[1];
      const key = (await keys.listPublic()).find((one) => one.kid === kid);
      if (key === undefined) throw new NotFoundError("Key");
      return c.body(publicKeyPem(key), 200, { "Content-Type": "application/x-pem-file" });
    },
  });
}

/** @throws {NotFoundError} also for another tenant's. */
async function getEvent(c: Context<AppEnv>, { events }: ConsentReceiptsRoutesDeps): Promise<StoredEvent> {
  const stored = await events.find(c.get("caller").tenantId, c.req.param("id") ?? "");
  if (stored === null) throw new NotFoundError("Consent");
  return stored;
}

async function receiptInput(
  c: Context<AppEnv>,
  { describeConsent, publicUrl }: ConsentReceiptsRoutesDeps,
  stored: StoredEvent,
): Promise<ConsentReceiptInput> {
  const { receipt, disclosures, sd, origin } = await describeConsent(c.get("caller").tenantId, stored);
  const proof = receipt && { anchor: receipt, disclosures, _sd: sd, ...(origin && { origin }) };
  return { event: storedEvent(stored), recordedAs: stored.action, publicUrl, proof };
}

/** RFC 8288, relative to what was asked. */
function nextLink(url: string, after: string): string {
  const { searchParams } = new URL(url);
  searchParams.set("after", after);
  return `<?${searchParams}>; rel="next"`;
}

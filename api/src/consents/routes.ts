import { z } from "zod";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import { NotFoundError } from "../errors.ts";
import { type Access, defineRoute, EXAMPLE_ID, type KeyAccess, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import { consentToken } from "./consentToken.ts";
import { type ConsentDescription, proofHash } from "./describeConsent.ts";
import { eraseConsent } from "./eraseConsent.ts";
import { erasePerson } from "./erasePerson.ts";
import type { StoredConsent } from "./findConsent.ts";
import { listErasures } from "./listErasures.ts";
import { listHolds } from "./listHolds.ts";
import { placeHold } from "./placeHold.ts";
import { releaseHold } from "./releaseHold.ts";
import {
  consentAnswer,
  consentTokenParam,
  eraseBody,
  erasureAnswer,
  erasureListAnswer,
  holdAnswer,
  holdListAnswer,
  pageQuery,
  placeHoldBody,
  releaseHoldBody,
} from "./wire.ts";

export type ConsentRoutesDeps = {
  verbContext: ReturnType<typeof createVerbContext>;
  chains: ChainDirectory;
  findConsent: (tenantId: string, token: string) => Promise<StoredConsent | null>;
  describeConsent: (tenantId: string, consent: StoredConsent) => Promise<ConsentDescription>;
};

const EXAMPLE_TOKEN = consentToken(EXAMPLE_ID);
const managing = (action: `${string}.${string}`, resourceType: string): KeyAccess => ({
  scope: "manage",
  action,
  resourceType,
});
const changing = (action: `${string}.${string}`, resourceType: string): Access => ({
  ...managing(action, resourceType),
  signable: true,
});

/** What all consent surfaces share and none of their sources shows: any record, erasures, and legal holds (protocol §7). */
export function consentRoutes(deps: ConsentRoutesDeps): Route[] {
  return [...erasureRoutes(deps), ...holdRoutes(deps), ...recordRoutes(deps)];
}

function erasureRoutes({ verbContext, chains }: ConsentRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/v1/consents/erasures",
      summary: "Erase a person, or what one record holds of somebody whom it does not name",
      description:
        "On all consent surfaces of the tenant. Digests stay, so that what is left of the records still verifies.",
      access: changing("consent.erase", "consent"),
      body: eraseBody,
      bodyExample: { person: "visitor-4711" },
      answers: {
        201: { description: "Erased; a repeat erases nothing and says so", schema: erasureAnswer },
        404: { description: "The tenant has no such consent" },
        409: { description: "Under legal hold, and `reason` is the hold's; or the consent names a person" },
      },
      handle: async (c, { body: { person, consentToken, chainId: wanted } }) => {
        const { chainId } = await chains.forSubmission(wanted);
        const ctx = verbContext(c);
        const { erased, record } =
          person === undefined
            ? await eraseConsent({ ctx, input: { consentToken: consentToken!, chainId } })
            : await erasePerson({ ctx, input: { person, chainId } });
        const { token, recordDigest, createdAt } = record;
        return c.json({ erased, consentToken: token, proofHash: proofHash(recordDigest), createdAt }, 201);
      },
    }),
    defineRoute({
      method: "get",
      path: "/v1/consents/erasures",
      summary: "The tenant's erasures",
      access: managing("erasure.list", "consent"),
      query: pageQuery,
      answers: { 200: { description: "One page, the newest first", schema: erasureListAnswer } },
      handle: async (c, { query }) => c.json(await listErasures({ ctx: verbContext(c), input: query })),
    }),
  ];
}

function holdRoutes({ verbContext }: ConsentRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/v1/consents/holds",
      summary: "Keep a person's records, or one record, from being erased",
      access: changing("hold.place", "hold"),
      body: placeHoldBody,
      bodyExample: { person: "visitor-4711", reason: "Case 12 O 345/26" },
      answers: {
        201: { description: "An erasure is refused with this reason from now on", schema: holdAnswer },
        404: { description: "There is no such consent" },
      },
      handle: async (c, { body }) => c.json(await placeHold({ ctx: verbContext(c), input: body }), 201),
    }),
    defineRoute({
      method: "get",
      path: "/v1/consents/holds",
      summary: "The tenant's holds",
      access: managing("hold.list", "hold"),
      query: pageQuery,
      answers: { 200: { description: "One page, the newest first", schema: holdListAnswer } },
      handle: async (c, { query }) => c.json(await listHolds({ ctx: verbContext(c), input: query })),
    }),
    defineRoute({
      method: "post",
      path: "/v1/consents/holds/:id/release",
      summary: "Release a hold",
      access: changing("hold.release", "hold"),
      params: { id: { schema: z.uuid(), description: "The hold's id", example: EXAMPLE_ID } },
      body: releaseHoldBody,
      bodyExample: { reason: "Case closed" },
      answers: {
        200: { description: "Released", schema: holdAnswer },
        404: { description: "There is no such hold" },
        409: { description: "It was released before" },
      },
      handle: async (c, { body: { reason } }) => {
        const id = c.req.param("id") ?? "";
        if (!z.uuid().safeParse(id).success) throw new NotFoundError("Hold");
        return c.json(await releaseHold({ ctx: verbContext(c), input: { id, reason } }));
      },
    }),
  ];
}

function recordRoutes({ findConsent, describeConsent }: ConsentRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/v1/consents/:token",
      summary: "One consent record, whichever surface it came from",
      description: "Also the record of an erasure. With `receipt`, this is what `holdfast-verify` checks.",
      access: { scope: "query", action: "consent.view", resourceType: "consent" },
      params: {
        token: { schema: consentTokenParam, description: "The consent's token", example: EXAMPLE_TOKEN },
      },
      answers: {
        200: { description: "What is left of the record, and how far it is anchored", schema: consentAnswer },
        404: { description: "The tenant has no such consent" },
      },
      handle: async (c) => {
        const { tenantId } = c.get("caller");
        const consent = await findConsent(tenantId, c.req.param("token") ?? "");
        if (consent === null) throw new NotFoundError("Consent");
        return c.json(toAnswer(await describeConsent(tenantId, consent)));
      },
    }),
  ];
}

function toAnswer({ token, sd, failed, ...consent }: ConsentDescription) {
  return {
    consentToken: token,
    proofHash: consent.proofHash,
    createdAt: consent.createdAt,
    record: consent.record,
    disclosures: consent.disclosures,
    _sd: sd,
    origin: consent.origin,
    erasedBy: consent.erasedBy,
    status: consent.status,
    finality: consent.finality,
    receipt: consent.receipt,
    ...(failed === null ? {} : { reason: failed }),
  };
}

import type { Context } from "hono";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import { consentToken } from "../consents/consentToken.ts";
import type { ConsentDescription } from "../consents/describeConsent.ts";
import type { StoredConsent } from "../consents/findConsent.ts";
import type { FindVersionShown } from "../documents/versionShown.ts";
import { InvalidInputError, NotFoundError } from "../errors.ts";
import { memberProblems } from "../http/body.ts";
import type { AppEnv } from "../http/context.ts";
import { idempotentRequest } from "../http/idempotencyKey.ts";
import { type Access, defineRoute, EXAMPLE_ID, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import { newLogConsent } from "./newLogConsent.ts";
import {
  type Answer,
  preparedOrProblems,
  type RecordingArgs,
  type RecordingDeps,
  recordLogBatch,
  recordLogConsent,
} from "./recordLogConsents.ts";
import {
  batchAnswer,
  batchInput,
  consentAnswer,
  consentInput,
  consentTokenParam,
  recordedAnswer,
  withdrawInput,
} from "./wire.ts";
import { withdrawalOf } from "./withdrawal.ts";

export type ConsentLogRoutesDeps = RecordingDeps & {
  verbContext: ReturnType<typeof createVerbContext>;
  chains: ChainDirectory;
  findVersion: FindVersionShown;
  findConsent: (tenantId: string, token: string) => Promise<StoredConsent | null>;
  describeConsent: (tenantId: string, consent: StoredConsent) => Promise<ConsentDescription>;
};

const EXAMPLE_TOKEN = consentToken(EXAMPLE_ID);
const EXAMPLE = {
  consent_type: "cookie_consent",
  decision: "accept",
  visitor_id: "visitor-4711",
  visitor_region: "us",
  compliance_framework: "ccpa",
  metadata: { categories: { necessary: true, analytics: true, marketing: false } },
};
const tokenParam = {
  token: { schema: consentTokenParam, description: "The consent's token", example: EXAMPLE_TOKEN },
};

const recording = (action: `consent.${string}`): Access => ({
  scope: "submit",
  checked: "inStatement",
  signable: true,
  action,
  resourceType: "consent",
});

/** HashEntry's consent log (HE-1 to HE-10). */
export function consentLogRoutes(deps: ConsentLogRoutesDeps): Route[] {
  return [recordRoute(deps), batchRoute(deps), withdrawRoute(deps), viewRoute(deps)];
}

function recordRoute(deps: ConsentLogRoutesDeps): Route {
  return defineRoute({
    method: "post",
    path: "/tool/v1/consents",
    summary: "Record a consent",
    description: "201 is said once it is committed; its record digest is anchored like any hash.",
    access: recording("consent.record"),
    idempotent: true,
    body: consentInput,
    bodyExample: EXAMPLE,
    answers: {
      201: { description: "Recorded", schema: recordedAnswer },
      409: { description: "The document version is retired, or the idempotency key was used otherwise" },
    },
    handle: async (c, { body }) => {
      const args = await recordingArgs(c, deps);
      const prepare = () => newLogConsent(c.get("caller"), body, deps.findVersion);
      return answer(c, await recordLogConsent(deps, args, { message: "Consent recorded", prepare }));
    },
  });
}

function batchRoute(deps: ConsentLogRoutesDeps): Route {
  return defineRoute({
    method: "post",
    path: "/tool/v1/consents/batch",
    summary: "Record 1 to 100 consents",
    description: "What cannot be recorded is answered with its errors, and the others are recorded together.",
    access: recording("consent.record_batch"),
    idempotent: true,
    body: batchInput,
    bodyExample: { consents: [EXAMPLE, { ...EXAMPLE, decision: "withdraw" }] },
    answers: {
      201: { description: "In the order of the request", schema: batchAnswer },
      409: { description: "The idempotency key was used for another request" },
    },
    handle: async (c, { body }) => {
      const args = await recordingArgs(c, deps);
      const prepareOne = async (item: unknown) => {
        const parsed = consentInput.safeParse(item);
        if (!parsed.success) throw new InvalidInputError("Invalid consent", memberProblems(parsed.error));
        return newLogConsent(c.get("caller"), parsed.data, deps.findVersion);
      };
      const prepareAll = () =>
        Promise.all(body.consents.map((item) => preparedOrProblems(() => prepareOne(item))));
      return answer(c, await recordLogBatch(deps, args, prepareAll));
    },
  });
}

function withdrawRoute(deps: ConsentLogRoutesDeps): Route {
  return defineRoute({
    method: "post",
    path: "/tool/v1/consents/:token/withdraw",
    summary: "Withdraw a consent",
    description: "A new record, which names the one before it. The body may be empty.",
    access: recording("consent.withdraw"),
    idempotent: true,
    params: tokenParam,
    body: withdrawInput,
    bodyMayBeEmpty: true,
    bodyExample: { metadata: { channel: "account page" } },
    answers: {
      201: { description: "The withdrawal, recorded", schema: recordedAnswer },
      404: { description: "The tenant's log has no such consent" },
      409: { description: "The person was erased, or the idempotency key was used for another request" },
    },
    handle: async (c, { body }) => {
      const args = await recordingArgs(c, deps);
      const prepare = async () => withdrawalOf(await getConsent(c, deps), body);
      return answer(c, await recordLogConsent(deps, args, { message: "Consent withdrawn", prepare }));
    },
  });
}

function viewRoute(deps: ConsentLogRoutesDeps): Route {
  return defineRoute({
    method: "get",
    path: "/tool/v1/consents/:token",
    summary: "One consent, its record and receipt",
    description: "With `receipt`, this is what `holdfast-verify` checks.",
    access: { scope: "query", action: "consent.view", resourceType: "consent" },
    params: tokenParam,
    answers: {
      200: { description: "What is left of the record, and how far it is anchored", schema: consentAnswer },
      404: { description: "The tenant's log has no such consent" },
    },
    handle: async (c) => {
      const consent = await getConsent(c, deps);
      return c.json({ data: describe(await deps.describeConsent(c.get("caller").tenantId, consent)) });
    },
  });
}

async function recordingArgs(c: Context<AppEnv>, deps: ConsentLogRoutesDeps): Promise<RecordingArgs> {
  const { chainId } = await deps.chains.forSubmission(undefined);
  const request = await idempotentRequest(c);
  return { ctx: deps.verbContext(c), renewCaller: c.get("renewCaller"), chainId, request };
}

/** @throws {NotFoundError} also for another tenant's consent, and for one of another surface. */
async function getConsent(c: Context<AppEnv>, deps: ConsentLogRoutesDeps): Promise<StoredConsent> {
  const consent = await deps.findConsent(c.get("caller").tenantId, c.req.param("token") ?? "");
  if (consent?.surface !== "log") throw new NotFoundError("Consent");
  return consent;
}

function answer(c: Context<AppEnv>, { json, isRepeat }: Answer): Response {
  return c.body(json, 201, {
    "Content-Type": "application/json",
    ...(isRepeat ? { "Idempotent-Replayed": "true" } : {}),
  });
}

function describe({ token, sd, failed, ...consent }: ConsentDescription) {
  return {
    consent_token: token,
    proof_hash: consent.proofHash,
    created_at: consent.createdAt,
    record: consent.record,
    disclosures: consent.disclosures,
    _sd: sd,
    origin: consent.origin,
    status: consent.status,
    finality: consent.finality,
    receipt: consent.receipt,
    erased_by: consent.erasedBy,
    ...(failed === null ? {} : { reason: failed }),
  };
}

import type { Context } from "hono";
import type { PlanLimits } from "../accounts/plan.ts";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import { isTaken } from "../consents/storeRecords.ts";
import { textUrlOf } from "../documents/describeVersion.ts";
import { slug } from "../documents/wire.ts";
import { InvalidInputError, NotFoundError } from "../errors.ts";
import { parseInput } from "../http/body.ts";
import type { AppEnv } from "../http/context.ts";
import { type IdempotentRequest, idempotentRequest } from "../http/idempotencyKey.ts";
import { type Access, defineRoute, EXAMPLE_ID, type KeyAccess, type Route } from "../http/route.ts";
import type { Upload, UploadedFile } from "../http/upload.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { JobQueue } from "../jobs/jobQueue.ts";
import type { CheckTarget } from "../outbound/checkTarget.ts";
import { acceptConsent } from "./acceptConsent.ts";
import { addMedia } from "./addMedia.ts";
import { createVerification } from "./createVerification.ts";
import { type DescribeVerificationDeps, describeVerification } from "./describeVerification.ts";
import { findActiveGateVersion, setGateDocument } from "./gateDocument.ts";
import type { MediaStore } from "./mediaStore.ts";
import { stateAfter, type VerificationMove } from "./state.ts";
import { submitVerification } from "./submitVerification.ts";
import { verificationName } from "./verificationId.ts";
import { getVerification } from "./verifications.ts";
import {
  acceptanceAnswer,
  acceptConsentInput,
  activeConsentAnswer,
  createVerificationInput,
  gateDocumentAnswer,
  languageQuery,
  mediaFields,
  mediumCreatedAnswer,
  verificationAnswer,
} from "./wire.ts";

export type ConsentGateRoutesDeps = DescribeVerificationDeps & {
  verbContext: ReturnType<typeof createVerbContext>;
  chains: ChainDirectory;
  jobs: JobQueue;
  store: MediaStore;
  planLimits: PlanLimits;
  tenantBytesMax: number;
  checkTarget: CheckTarget;
  publicUrl: string;
  /** The name of the verification that the first request with an idempotency key has opened. */
  findKeptAnswer: (tenantId: string, request: IdempotentRequest) => Promise<string | null>;
};

const nameParam = {
  id: {
    schema: verificationAnswer.shape.data.shape.id,
    description: "The verification's id",
    example: verificationName(EXAMPLE_ID),
  },
};
const signed = (
  scope: "submit" | "query",
  action: `${string}.${string}`,
  hmac: NonNullable<KeyAccess["hmac"]> = "body",
): Access => ({ scope, hmac, action, resourceType: "verification" });

/** ProofAge's consent gate (PA-1 to PA-10). */
export function consentGateRoutes(deps: ConsentGateRoutesDeps): Route[] {
  return [
    documentRoute(deps),
    activeRoute(deps),
    createRoute(deps),
    viewRoute(deps),
    acceptRoute(deps),
    mediaRoute(deps),
    submitRoute(deps),
  ];
}

function documentRoute({ verbContext }: ConsentGateRoutesDeps): Route {
  return defineRoute({
    method: "put",
    path: "/v1/documents/:slug/gate",
    summary: "Make a document the one that the consent gate shows",
    description: "Until then it is the document `consent`.",
    access: { scope: "manage", action: "document.set_gate", resourceType: "document" },
    params: { slug: { schema: slug, description: "The document's slug", example: "terms-of-service" } },
    answers: {
      200: { description: "It is", schema: gateDocumentAnswer },
      404: { description: "The tenant has no such document" },
    },
    handle: async (c) => {
      const named = slug.safeParse(c.req.param("slug"));
      if (!named.success) throw new NotFoundError("Document");
      await setGateDocument({ ctx: verbContext(c), input: { slug: named.data } });
      return c.json({ data: { slug: named.data } });
    },
  });
}

function activeRoute({ db, publicUrl }: ConsentGateRoutesDeps): Route {
  return defineRoute({
    method: "get",
    path: "/v1/consent",
    summary: "The consent text that is active now",
    description:
      "`text_sha256` is the SHA-256 of the bytes at `url`. Without `language`: English, or else the one published last.",
    access: { ...(signed("query", "consent.view_active") as KeyAccess), resourceType: "document" },
    query: languageQuery,
    answers: {
      200: { description: "What must be shown, whole", schema: activeConsentAnswer },
      404: { description: "No version of the gate's document is active" },
    },
    handle: async (c, { query: { language = null } }) => {
      const active = await findActiveGateVersion(db.pool, c.get("caller").tenantId, language);
      if (active === null) throw new NotFoundError("Active consent version");
      const { id, number, version, textSha256 } = active;
      return c.json({
        data: { id: number, version, text_sha256: textSha256, url: textUrlOf(publicUrl, id) },
      });
    },
  });
}

function createRoute(deps: ConsentGateRoutesDeps): Route {
  return defineRoute({
    method: "post",
    path: "/v1/verifications",
    summary: "Open a verification",
    access: signed("submit", "verification.create"),
    body: createVerificationInput,
    bodyMayBeEmpty: true,
    idempotent: true,
    bodyExample: { external_id: "user-4711", metadata: { plan: "adult" } },
    answers: {
      201: { description: "Opened; nothing is taken before consent", schema: verificationAnswer },
      409: { description: "The idempotency key was used for another request" },
    },
    handle: async (c, { body }) => {
      const request = await idempotentRequest(c);
      const opened = request && (await findOpened(c, deps, request));
      if (opened) return c.json({ data: opened }, 201, { "Idempotent-Replayed": "true" });
      const ctx = deps.verbContext(c);
      try {
        const { checkTarget } = deps;
        return c.json({ data: await createVerification({ ctx, input: body, checkTarget, request }) }, 201);
      } catch (error) {
        // Another request with the same key was faster.
        if (request === null || !isTaken(error)) throw error;
        const first = await findOpened(c, deps, request);
        if (first === null) throw error;
        return c.json({ data: first }, 201, { "Idempotent-Replayed": "true" });
      }
    },
  });
}

/** What the first request with this idempotency key has opened, as it is now. */
async function findOpened(c: Context<AppEnv>, deps: ConsentGateRoutesDeps, request: IdempotentRequest) {
  const { tenantId } = c.get("caller");
  const name = await deps.findKeptAnswer(tenantId, request);
  return name === null ? null : describeVerification(deps, tenantId, name);
}

function viewRoute(deps: ConsentGateRoutesDeps): Route {
  return defineRoute({
    method: "get",
    path: "/v1/verifications/:id",
    summary: "A verification, its consent and its media",
    access: signed("query", "verification.view"),
    params: nameParam,
    answers: {
      200: { description: "`consent` is the newest that was accepted", schema: verificationAnswer },
      404: { description: "The tenant has no such verification" },
    },
    handle: async (c) =>
      c.json({ data: await describeVerification(deps, c.get("caller").tenantId, named(c)) }),
  });
}

function acceptRoute(deps: ConsentGateRoutesDeps): Route {
  return defineRoute({
    method: "post",
    path: "/v1/verifications/:id/consent",
    summary: "Record that the consent text was accepted",
    description:
      "`consent_version_id` and `text_sha256` as `GET /v1/consent` gave them. The same again is answered alike, and recorded once.",
    access: signed("submit", "verification.accept_consent"),
    params: nameParam,
    mustExist: (c) => requireMove(deps, c),
    body: acceptConsentInput,
    bodyExample: { consent_version_id: 1, text_sha256: "e3".repeat(32) },
    answers: {
      200: { description: "Recorded, now or before, and anchored like any hash", schema: acceptanceAnswer },
      404: { description: "The tenant has no such verification" },
      409: {
        description: "CONSENT_VERSION_INACTIVE, CONSENT_SHA256_MISMATCH, or the person was erased",
      },
    },
    handle: async (c, { body }) => {
      const { chainId } = await deps.chains.forSubmission(undefined);
      const { number, version, acceptedAt } = await acceptConsent({
        ctx: deps.verbContext(c),
        input: { ...body, verification: named(c), chainId },
        planLimits: deps.planLimits,
      });
      const consent = { version_id: number, version, accepted_at: acceptedAt };
      return c.json({ data: { id: named(c), consent } });
    },
  });
}

function mediaRoute(deps: ConsentGateRoutesDeps): Route {
  return defineRoute({
    method: "post",
    path: "/v1/verifications/:id/media",
    summary: "Upload an image",
    description:
      "multipart/form-data: `type` (selfie, liveness_selfie, document), of a document `side` (front, back) and `document`, and `file`, an image of 10 MB at most. Its hash is anchored; the bytes are deleted when their time is over.",
    access: signed("submit", "verification.add_media", "upload"),
    params: nameParam,
    multipart: mediaFields,
    answers: {
      201: { description: "Kept", schema: mediumCreatedAnswer },
      403: { description: "CONSENT_REQUIRED: nothing is taken before consent" },
      404: { description: "The tenant has no such verification" },
      409: { description: "The verification was submitted, or has as many media as it takes" },
      422: { description: "VALIDATION_ERROR, or INVALID_FILE_TYPE: not an image by its bytes" },
    },
    handle: async (c) => {
      await requireMove(deps, c, "addMedia");
      const upload = c.get("upload")!;
      const fields = parseInput(mediaFields, Object.fromEntries(upload.fields), "form");
      const file = theFile(upload);
      const { chainId } = await deps.chains.forSubmission(undefined);
      const input = { ...fields, verification: named(c), file, chainId };
      const { store, planLimits, tenantBytesMax } = deps;
      const ctx = deps.verbContext(c);
      return c.json({ data: await addMedia({ ctx, input, store, planLimits, tenantBytesMax }) }, 201);
    },
  });
}

function submitRoute(deps: ConsentGateRoutesDeps): Route {
  return defineRoute({
    method: "post",
    path: "/v1/verifications/:id/submit",
    summary: "Submit a verification",
    description:
      "Needs a selfie or liveness_selfie. `callback_url` is called then. A repeat gets the same answer.",
    access: signed("submit", "verification.submit"),
    params: nameParam,
    answers: {
      200: { description: "Submitted, now or before", schema: verificationAnswer },
      403: { description: "CONSENT_REQUIRED" },
      404: { description: "The tenant has no such verification" },
      409: { description: "The person was erased" },
      422: { description: "MISSING_REQUIRED_MEDIA" },
    },
    handle: async (c) => {
      const input = { verification: named(c) };
      await submitVerification({ ctx: deps.verbContext(c), input, jobs: deps.jobs });
      return c.json({ data: await describeVerification(deps, c.get("caller").tenantId, named(c)) });
    },
  });
}

/** That the verification is there, before its input is looked at (PA-5), and lets the move happen. @throws {NotFoundError} {GateError} */
async function requireMove(
  { db }: ConsentGateRoutesDeps,
  c: Context<AppEnv>,
  move?: VerificationMove,
): Promise<void> {
  const { state } = await getVerification(db.pool, c.get("caller").tenantId, named(c));
  if (move !== undefined) stateAfter(state, move);
}

function named(c: Context<AppEnv>): string {
  return c.req.param("id") ?? "";
}

/** @throws {InvalidInputError} */
function theFile({ files }: Upload): UploadedFile {
  const [file, another] = files;
  if (file?.name !== "file" || another !== undefined)
    throw new InvalidInputError("Invalid form, file: must be one file, in the field `file`", [
      { member: "file", problem: "must be one file, in the field `file`" },
    ]);
  return file;
}

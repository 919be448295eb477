import type { Context } from "hono";
import { pageQuery } from "../accounts/wire.ts";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import type { ConsentDescription } from "../consents/describeConsent.ts";
import { erasePerson } from "../consents/erasePerson.ts";
import type { StoredConsent } from "../consents/findConsent.ts";
import type { RecordConsentsVerb } from "../consents/newConsent.ts";
import type { ReadOrigin } from "../consents/readOrigin.ts";
import { NotFoundError } from "../errors.ts";
import { parseInput } from "../http/body.ts";

import { networkOf } from "../http/clientAddress.ts";
import type { AppEnv } from "../http/context.ts";
import type { CountRequest } from "../http/rateLimit.ts";
import { type Access, defineRoute, PERSON, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { ServiceKeys } from "../secrets/serviceKeys.ts";
import { describeProof, receiptUrl } from "./describeProof.ts";
import { limitPublicUse, limitUse, siteOf } from "./limits.ts";
import { newProofConsent } from "./newProofConsent.ts";
import type { RenderPdf } from "./pdf/renderInThreads.ts";
import type { ProofLanguage } from "./pdf/words.ts";
import { proofPdfInput } from "./proofPdf.ts";
import type { ProofReader } from "./proofReader.ts";
import { proofRecord } from "./proofRecord.ts";
import { RECEIPT_PAGE_HEADERS, receiptPage } from "./receiptPage.ts";
import {
  consentAnswer,
  consentListAnswer,
  currentConsentAnswer,
  erasedAnswer,
  exportQuery,
  languageQuery,
  proofQuery,
  recordBody,
  statusQuery,
  verifyProofAnswer,
  verifyProofBody,
  visitorParam,
} from "./wire.ts";

export type ConsentProofRoutesDeps = {
  proofs: ProofReader;
  verbContext: ReturnType<typeof createVerbContext>;
  chains: ChainDirectory;
  recordConsents: RecordConsentsVerb;
  describeConsent: (tenantId: string, consent: StoredConsent) => Promise<ConsentDescription>;
  readOrigin: ReadOrigin;
  countRequest: CountRequest;
  /** Null when no secret is configured: then proofs carry their SHA-256. */
  keys: ServiceKeys | null;
  renderPdf: RenderPdf;
  publicUrl: string;
};

const EXAMPLE_VISITOR = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";
const EXAMPLE_RECEIPT = `ct_${"019ac1f07e1c70008000".padEnd(32, "0")}`;
const visitorParams = {
  visitorId: { schema: visitorParam, description: "The visitor's id", example: EXAMPLE_VISITOR },
};
const receiptParams = {
  receiptId: { schema: visitorParam, description: "The receipt's id", example: EXAMPLE_RECEIPT },
};
const reading = (action: `consent.${string}`): Access => ({
  scope: "query",
  action,
  resourceType: "consent",
});

/** OptSens's consent records and proofs (OS-1 to OS-7). */
export function consentProofRoutes(deps: ConsentProofRoutesDeps): Route[] {
  return [...recordRoutes(deps), ...readRoutes(deps), ...publicRoutes(deps)];
}

function recordRoutes(deps: ConsentProofRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/v1/consents",
      summary: "Record a visitor's choice",
      description:
        "On the key's domain. 201 is said once it is committed; its digest is anchored like any hash.",
      access: { scope: "submit", checked: "inStatement", action: "consent.record", resourceType: "consent" },
      body: recordBody,
      bodyExample: {
        visitor_id: EXAMPLE_VISITOR,
        action: "custom_selection",
        categories: {
          necessary: true,
          functional: true,
          analytics: false,
          advertising: false,
          performance: false,
        },
        banner_mode: "opt-in",
        country: "RS",
        gpc: { detected: false, honored: false },
      },
      answers: { 201: { description: "Recorded", schema: consentAnswer } },
      handle: async (c, { body }) => {
        const ctx = deps.verbContext(c);
        const site = siteOf(ctx.caller);
        const [chain, signingKey] = await Promise.all([
          deps.chains.forSubmission(undefined),
          deps.keys?.current(),
        ]);
        const { recorded } = await deps.recordConsents({
          ctx,
          renewCaller: c.get("renewCaller"),
          chainId: chain.chainId,
          consents: [newProofConsent(body, site, signingKey ?? null)],
        });
        const stored = await deps.proofs.byReceiptId(recorded[0]!.token);
        return c.json(await describe(deps, stored!), 201);
      },
    }),
    defineRoute({
      method: "delete",
      path: "/api/v1/consent/:visitorId",
      summary: "Erase a visitor",
      description:
        "Everything personal of the visitor, on all consent surfaces of the tenant. What is left of the records still verifies.",
      access: { scope: "manage", action: "consent.erase", resourceType: PERSON },
      params: visitorParams,
      answers: {
        200: { description: "The record of the erasure, anchored like any other", schema: erasedAnswer },
        409: { description: "Under legal hold; `reason` is the hold's" },
      },
      handle: async (c) => {
        const ctx = deps.verbContext(c);
        await limitUse(deps.countRequest, "erasure", ctx.caller, siteOf(ctx.caller));
        const person = parseInput(visitorParam, c.req.param("visitorId"), "visitor id");
        const { chainId } = await deps.chains.forSubmission(undefined);
        const { erased, record } = await erasePerson({ ctx, input: { person, chainId } });
        return c.json({ erased, receipt_id: record.token, record_sha256: record.recordDigest });
      },
    }),
  ];
}

function readRoutes(deps: ConsentProofRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/api/v1/consent-proof/:visitorId",
      summary: "The proof of a visitor's consent as a PDF",
      description:
        "Of the newest consent that is still valid, else of the newest; `receipt_id` picks another. The PDF carries the receipt.",
      access: { scope: "query", action: "consent.proof", resourceType: PERSON },
      params: visitorParams,
      query: proofQuery,
      answers: {
        200: { description: "The PDF", contentType: "application/pdf" },
        404: { description: "The visitor has no such consent on the key's domain" },
      },
      handle: async (c, { query: { receipt_id: receiptId, lang } }) => {
        const { caller, clock } = deps.verbContext(c);
        const site = siteOf(caller);
        await limitUse(deps.countRequest, "pdf", caller, site);
        const visitorId = parseInput(visitorParam, c.req.param("visitorId"), "visitor id");
        const of = { tenantId: caller.tenantId, site, visitorId };
        const stored =
          receiptId === undefined
            ? await deps.proofs.newest(of, clock())
            : await deps.proofs.byReceiptId(receiptId);
        const record = stored && proofRecord(stored);
        const isTheirs = record?.domain === site && record.visitorId === visitorId;
        if (!isTheirs || ("tenantId" in stored! && stored.tenantId !== caller.tenantId))
          throw new NotFoundError("Consent");
        c.get("call").resourceId = record.receiptId;
        return answerPdf(c, deps, { stored: stored!, tenantId: caller.tenantId, language: lang });
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/consent-status",
      summary: "What a visitor's consent is now",
      access: reading("consent.status"),
      query: statusQuery,
      answers: {
        200: {
          description: "What the visitor said last, or null when that has expired",
          schema: currentConsentAnswer,
        },
      },
      handle: async (c, { query: { visitor_id: visitorId } }) => {
        const { caller, clock } = deps.verbContext(c);
        const stored = await deps.proofs.last({
          tenantId: caller.tenantId,
          site: siteOf(caller),
          visitorId,
        });
        const isCurrent = stored !== null && (stored.expiresAt === null || stored.expiresAt > clock());
        return c.json(isCurrent ? await describe(deps, stored) : null);
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/consents",
      summary: "Consents on the key's domain, the newest first",
      access: reading("consent.list"),
      query: pageQuery,
      answers: { 200: { description: "One page", schema: consentListAnswer } },
      handle: async (c, { query }) => {
        const { caller } = deps.verbContext(c);
        const of = { tenantId: caller.tenantId, site: siteOf(caller) };
        const { consents, total } = await deps.proofs.list(of, query);
        const data = await Promise.all(consents.map((stored) => describe(deps, stored)));
        return c.json({ data, pagination: { ...query, total } });
      },
    }),
    defineRoute({
      method: "get",
      path: "/api/v1/consents/export",
      summary: "Consents on the key's domain as one file",
      description:
        "The newest 50,000. In CSV, cells that a spreadsheet would take for a formula begin with an apostrophe.",
      access: reading("consent.export"),
      query: exportQuery,
      answers: { 200: { description: "JSON or CSV", contentType: "application/json" } },
      handle: async (c, { query: { format } }) => {
        const { caller } = deps.verbContext(c);
        const site = siteOf(caller);
        await limitUse(deps.countRequest, "export", caller, site);
        const stream = deps.proofs.export(
          { tenantId: caller.tenantId, site },
          { format, publicUrl: deps.publicUrl, readOrigin: deps.readOrigin },
        );
        return c.body(stream, 200, {
          "Content-Type": format === "csv" ? "text/csv; charset=utf-8" : "application/json",
          "Content-Disposition": `attachment; filename="consents.${format}"`,
        });
      },
    }),
  ];
}

function publicRoutes(deps: ConsentProofRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/api/consent/verify-proof",
      summary: "Check the signature on a proof",
      description: "What is wrong, unknown or erased is answered alike.",
      access: "public",
      body: verifyProofBody,
      bodyExample: { receipt_id: EXAMPLE_RECEIPT, signature: "d2".repeat(32) },
      answers: {
        200: { description: "Whether it stands over the stored record", schema: verifyProofAnswer },
      },
      handle: async (c, { body }) => {
        await limitPublicUse(deps.countRequest, "verify", networkOf(c.get("clientAddress")));
        const input = { receiptId: body.receipt_id, signature: body.signature };
        return c.json(await deps.proofs.verify(input));
      },
    }),
    defineRoute({
      method: "get",
      path: "/receipt/:receiptId",
      summary: "The public receipt page",
      access: "public",
      params: receiptParams,
      answers: {
        200: { description: "The page", contentType: "text/html" },
        404: { description: "There is no such receipt" },
      },
      handle: async (c) => {
        const { stored, tenantId } = await getReceipt(c, deps);
        const described = await deps.describeConsent(tenantId, stored);
        const record = proofRecord(stored);
        const page = await receiptPage(record, described, receiptUrl(deps.publicUrl, record.receiptId));
        return c.html(page, 200, RECEIPT_PAGE_HEADERS);
      },
    }),
    defineRoute({
      method: "get",
      path: "/receipt/:receiptId/pdf",
      summary: "The proof that the receipt page links to",
      access: "public",
      params: receiptParams,
      query: languageQuery,
      answers: {
        200: { description: "The PDF", contentType: "application/pdf" },
        404: { description: "There is no such receipt, or its visitor was erased" },
      },
      handle: async (c, { query: { lang } }) => {
        const { stored, tenantId } = await getReceipt(c, deps);
        await limitPublicUse(deps.countRequest, "publicPdf", networkOf(c.get("clientAddress")));
        return answerPdf(c, deps, { stored, tenantId, language: lang });
      },
    }),
  ];
}

async function describe({ readOrigin, publicUrl }: ConsentProofRoutesDeps, stored: StoredConsent) {
  return describeProof(proofRecord(stored), await readOrigin(stored, null), publicUrl);
}

async function getReceipt(c: Context<AppEnv>, { proofs }: ConsentProofRoutesDeps) {
  const stored = await proofs.byReceiptId(c.req.param("receiptId") ?? "");
  if (stored === null) throw new NotFoundError("Receipt");
  return { stored, tenantId: stored.tenantId };
}

async function answerPdf(
  c: Context<AppEnv>,
  deps: ConsentProofRoutesDeps,
  { stored, tenantId, language }: { stored: StoredConsent; tenantId: string; language: ProofLanguage },
): Promise<Response> {
  const described = await deps.describeConsent(tenantId, stored);
  const record = proofRecord(stored);
  const input = proofPdfInput(record, described, { language, publicUrl: deps.publicUrl });
  if (input === null) throw new NotFoundError("Consent");
  const pdf = await deps.renderPdf(input);
  return c.body(pdf as Uint8Array<ArrayBuffer>, 200, {
    "Content-Type": "application/pdf",
    "Content-Disposition": `inline; filename="consent-proof-${record.receiptId}.pdf"`,
    "Cache-Control": "private, no-store",
    "X-Content-Type-Options": "nosniff",
  });
}

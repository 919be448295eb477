import { loginRoutes } from "./accounts/loginRoutes.ts";
import { accountRoutes } from "./accounts/routes.ts";
import { createEarliestLeafFinder } from "./anchoring/findLeaves.ts";
import { describeJwks, describePublicKeys } from "./anchoring/publicKeys.ts";
import { anchoringRoutes } from "./anchoring/routes.ts";
import type { AppDeps } from "./appDeps.ts";
import type { AppParts } from "./appParts.ts";
import { auditRoutes } from "./audit/routes.ts";
import { chainRoutes } from "./chains/routes.ts";
import { consentGateRoutes } from "./consentGate/routes.ts";
import { consentLogRoutes } from "./consentLog/routes.ts";
import { createPdfThreads } from "./consentProof/pdf/renderInThreads.ts";
import { createProofReader } from "./consentProof/proofReader.ts";
import { consentProofRoutes } from "./consentProof/routes.ts";
import { createEventReader } from "./consentReceipts/eventReader.ts";
import { oauthRoutes } from "./consentReceipts/oauthRoutes.ts";
import { receiptJwk } from "./consentReceipts/receiptKeys.ts";
import { consentReceiptsRoutes } from "./consentReceipts/routes.ts";
import { findConsentByToken } from "./consents/findConsent.ts";
import { findKeptAnswer } from "./consents/keptAnswers.ts";
import { consentRoutes } from "./consents/routes.ts";
import { createDeviceFinder } from "./devices/findDevice.ts";
import { deviceRoutes } from "./devices/routes.ts";
import { createActiveDocuments } from "./documents/activeDocuments.ts";
import { getTextBytes, getTextSha256 } from "./documents/readDocumentText.ts";
import { documentRoutes } from "./documents/routes.ts";
import { createVersionFinder } from "./documents/versionShown.ts";
import { createExportFiles } from "./exports/exportFiles.ts";
import { exportRoutes } from "./exports/routes.ts";
import type { Route } from "./http/route.ts";
import { deadLetterRoutes } from "./jobs/routes.ts";
import { createMetricsGuard } from "./operations/metricsToken.ts";
import { operationRoutes } from "./operations/routes.ts";
import { webhookRoutes } from "./webhooks/routes.ts";

/** Every route of the API, surface by surface. */
export function createRoutes(deps: AppDeps, parts: AppParts): Route[] {
  const { db, clock, logger } = deps;
  const {
    chains,
    verbContext,
    readReadiness,
    readMetrics,
    submitHashes,
    findOwnLeaf,
    readOwnStatuses,
    tokens,
    describeLeaf,
    readOrigin,
    describeConsent,
    recordConsents,
    serviceKeys,
    proofKeys,
    apiKeys,
    checkTarget,
    accessTokens,
  } = parts;
  return [
    ...operationRoutes({
      readReadiness,
      readMetrics,
      mayReadMetrics: createMetricsGuard(deps.metricsToken),
    }),
    ...loginRoutes({
      db,
      clock,
      tokens,
      countRequest: deps.countRequest,
      planLimits: deps.planLimits,
      limits: deps.loginLimits,
    }),
    ...accountRoutes({
      verbContext,
      countRequest: deps.countRequest,
      planLimits: deps.planLimits,
      planRateLimits: deps.planRateLimits,
      secretBox: deps.secretBox,
    }),
    ...auditRoutes({ verbContext }),
    ...exportRoutes({
      verbContext,
      jobs: deps.jobs,
      publicUrl: deps.publicUrl,
      tenantBytesMax: deps.exportTenantBytesMax,
      files: createExportFiles(deps.exportFolder),
      onLostFile: ({ tenantId, id: exportId }) =>
        logger.error({ exportId, tenantId }, "export file is not in EXPORT_FOLDER as it was written"),
    }),
    ...deadLetterRoutes({ verbContext, jobs: deps.jobs }),
    ...webhookRoutes({
      verbContext,
      jobs: deps.jobs,
      settings: {
        secretBox: deps.secretBox,
        checkTarget,
      },
    }),
    ...chainRoutes({
      verbContext,
      listChains: chains.fresh,
      secretBox: deps.secretBox,
      rpcTimeoutMs: deps.rpcTimeoutMs,
    }),
    ...documentRoutes({
      verbContext,
      findActiveDocument: createActiveDocuments(db, deps.publicUrl),
      getTextSha256: (versionId) => getTextSha256(db, versionId),
      getTextBytes: (versionId) => getTextBytes(db, versionId),
      publicUrl: deps.publicUrl,
    }),
    ...anchoringRoutes({
      verbContext,
      chains,
      submitHashes,
      findEarliestLeaf: createEarliestLeafFinder(db),
      findOwnLeaf,
      readOwnStatuses,
      describeLeaf,
      describePublicKeys: () => describePublicKeys(db),
      describeJwks: async () => {
        // Whoever keeps the set to check receipts later must find the key in it that signs the first one.
        if (deps.secretBox !== null) await serviceKeys.consentReceipt.current();
        const [{ keys }, receiptKeys] = await Promise.all([
          describeJwks(db),
          serviceKeys.consentReceipt.listPublic(),
        ]);
        return { keys: [...keys, ...receiptKeys.map(receiptJwk)] };
      },
      publicUrl: deps.publicUrl,
    }),
    ...deviceRoutes({
      verbContext,
      chains,
      findDevice: createDeviceFinder(db),
      submitHashes,
      readOwnStatuses,
    }),
    ...consentLogRoutes({
      verbContext,
      chains,
      recordConsents,
      findKeptAnswer: (tenantId, request, now) => findKeptAnswer(db, tenantId, request, now),
      findVersion: createVersionFinder(db),
      findConsent: (tenantId, token) => findConsentByToken(db, tenantId, token),
      describeConsent,
    }),
    ...consentRoutes({
      verbContext,
      chains,
      findConsent: (tenantId, token) => findConsentByToken(db, tenantId, token),
      describeConsent,
    }),
    ...consentGateRoutes({
      db,
      verbContext,
      chains,
      jobs: deps.jobs,
      store: deps.mediaStore,
      tenantBytesMax: deps.mediaTenantBytesMax,
      planLimits: deps.planLimits,
      checkTarget,
      findKeptAnswer: (tenantId, request) => findKeptAnswer(db, tenantId, request, clock()),
      findConsent: (tenantId, token) => findConsentByToken(db, tenantId, token),
      describeConsent,
      publicUrl: deps.publicUrl,
    }),
    ...oauthRoutes({ apiKeys, accessTokens }),
    ...consentReceiptsRoutes({
      events: createEventReader(db),
      verbContext,
      chains,
      recordConsents,
      describeConsent,
      keys: serviceKeys.consentReceipt,
      publicUrl: deps.publicUrl,
      clock,
    }),
    ...consentProofRoutes({
      proofs: createProofReader(db, proofKeys),
      verbContext,
      chains,
      recordConsents,
      describeConsent,
      readOrigin,
      countRequest: deps.countRequest,
      keys: proofKeys,
      renderPdf: createPdfThreads(deps.pdfSigner),
      publicUrl: deps.publicUrl,
    }),
  ];
}

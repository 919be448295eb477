import { Hono } from "hono";
import type { Logger } from "pino";
import packageJson from "../../package.json" with { type: "json" };
import { createAccountTokens } from "./accounts/accountTokens.ts";
import { createApiKeyDirectory } from "./accounts/apiKeyDirectory.ts";
import { findAccount } from "./accounts/findAccount.ts";
import { createKeySecretDirectory } from "./accounts/keySecretDirectory.ts";
import type { LoginLimits } from "./accounts/loginLimits.ts";
import { loginRoutes } from "./accounts/loginRoutes.ts";
import type { PlanLimits, PlanRateLimits } from "./accounts/plan.ts";
import { accountRoutes } from "./accounts/routes.ts";
import { createLeafDescriber } from "./anchoring/describeLeaf.ts";
import { createEarliestLeafFinder, createOwnLeafFinder } from "./anchoring/findLeaves.ts";
import { createOwnStatusReader } from "./anchoring/ownStatuses.ts";
import { describeJwks, describePublicKeys } from "./anchoring/publicKeys.ts";
import { createPathReader } from "./anchoring/readPaths.ts";
import { anchoringRoutes } from "./anchoring/routes.ts";
import { createSubmitHashes } from "./anchoring/submitHashes.ts";
import { createCallRecorder } from "./audit/recordCalls.ts";
import { auditRoutes } from "./audit/routes.ts";
import { type Chain, createChainDirectory } from "./chain/chainDirectory.ts";
import { type ChainReader, createChainReader } from "./chain/chainReader.ts";
import { readIndexedUpTo } from "./chain/indexedAnchors.ts";
import { chainRoutes } from "./chains/routes.ts";
import { consentGateErrorBody } from "./consentGate/errorBody.ts";
import type { MediaStore } from "./consentGate/mediaStore.ts";
import { consentGateRoutes } from "./consentGate/routes.ts";
import { consentLogErrorBody } from "./consentLog/errorBody.ts";
import { consentLogRoutes } from "./consentLog/routes.ts";
import { consentProofErrorBody } from "./consentProof/errorBody.ts";
import type { PdfSigner } from "./consentProof/pdf/pdfSigner.ts";
import { createPdfThreads } from "./consentProof/pdf/renderInThreads.ts";
import { createProofReader } from "./consentProof/proofReader.ts";
import { consentProofRoutes } from "./consentProof/routes.ts";
import { createAccessTokens } from "./consentReceipts/accessTokens.ts";
import { consentReceiptsErrorBody } from "./consentReceipts/errorBody.ts";
import { createEventReader } from "./consentReceipts/eventReader.ts";
import { oauthRoutes } from "./consentReceipts/oauthRoutes.ts";
import { receiptJwk } from "./consentReceipts/receiptKeys.ts";
import { consentReceiptsRoutes } from "./consentReceipts/routes.ts";
import { createConsentDescriber } from "./consents/describeConsent.ts";
import { findConsentByToken } from "./consents/findConsent.ts";
import { findKeptAnswer } from "./consents/keptAnswers.ts";
import { createRecordConsents } from "./consents/recordConsents.ts";
import { consentRoutes } from "./consents/routes.ts";
import type { Database } from "./db/client.ts";
import { createDeviceFinder } from "./devices/findDevice.ts";
import { deviceRoutes } from "./devices/routes.ts";
import { createActiveDocuments } from "./documents/activeDocuments.ts";
import { getTextBytes, getTextSha256 } from "./documents/readDocumentText.ts";
import { documentRoutes } from "./documents/routes.ts";
import { createVersionFinder } from "./documents/versionShown.ts";
import { NoSuchRouteError } from "./errors.ts";
import { createExportFiles } from "./exports/exportFiles.ts";
import { exportRoutes } from "./exports/routes.ts";
import { auditCall } from "./http/auditCall.ts";
import { checkHmac } from "./http/checkHmac.ts";
import { checkSignature } from "./http/checkSignature.ts";
import { createClientAddress } from "./http/clientAddress.ts";
import type { AppEnv } from "./http/context.ts";
import { createErrorHandler } from "./http/errorHandler.ts";
import { mountDescription } from "./http/mountDescription.ts";
import { mountRoutes } from "./http/mountRoutes.ts";
import { describeRoutes } from "./http/openapi.ts";
import { PathRouter } from "./http/pathRouter.ts";
import type { CountRequest } from "./http/rateLimit.ts";
import { requestLog } from "./http/requestLog.ts";
import { createNonceTaker } from "./http/requestNonces.ts";
import { limitPerAddress, requireApiKey } from "./http/requireApiKey.ts";
import { createVerbContext } from "./http/verbContext.ts";
import type { JobQueue } from "./jobs/jobQueue.ts";
import { deadLetterRoutes } from "./jobs/routes.ts";
import { createDisagreementReport } from "./operations/disagreementReport.ts";
import { type Metrics, registerGauges } from "./operations/metrics.ts";
import { createMetricsGuard } from "./operations/metricsToken.ts";
import { createReadiness } from "./operations/readiness.ts";
import { readJobDepths } from "./operations/readJobDepths.ts";
import { readPipelineDepths } from "./operations/readPipelineDepths.ts";
import { readPublisherBalances } from "./operations/readPublisherBalances.ts";
import { operationRoutes } from "./operations/routes.ts";
import { createCheckTarget } from "./outbound/checkTarget.ts";
import type { ResolveName } from "./outbound/resolveTarget.ts";
import { remember } from "./remember.ts";
import type { SecretBox } from "./secrets/secretBox.ts";
import { createServiceKeyKinds } from "./secrets/serviceKeyKinds.ts";
import { webhookRoutes } from "./webhooks/routes.ts";

export type AppDeps = {
  db: Database;
  jobs: JobQueue;
  clock: () => Date;
  logger: Logger;
  countRequest: CountRequest;
  onKeyUsed: (apiKeyId: string) => void;
  publicUrl: string;
  trustedProxies: readonly string[];
  publicRateLimitPerMinute: number;
  rpcTimeoutMs: number;
  planLimits: PlanLimits;
  exportFolder: string;
  exportTenantBytesMax: number;
  mediaStore: MediaStore;
  /** Where uploads lie while they are received. */
  uploadFolder: string;
  /** Null when PDFs are not signed. */
  pdfSigner: PdfSigner | null;
  planRateLimits: PlanRateLimits;
  loginLimits: LoginLimits;
  metrics: Metrics;
  metricsToken: string | undefined;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
  resolveName: ResolveName;
  webhookAllowLoopback: boolean;
};

/** Of the surfaces that have one of their own. */
const ERROR_BODIES = [
  consentGateErrorBody,
  consentLogErrorBody,
  consentReceiptsErrorBody,
  consentProofErrorBody,
];

/** How old "indexed up to" may be in an answer; milliseconds. */
const INDEXED_UP_TO_STALE_MS = 500;

/** How old an answer about readiness may be: each one asks every chain, and anybody may ask. Milliseconds. */
const READINESS_STALE_MS = 500;

/** The same of metrics that are read from the database and the chains; milliseconds. */
const GAUGES_STALE_MS = 1_000;

/** The whole HTTP surface over what it is given; it opens nothing and starts nothing. */
export function createApp(deps: AppDeps): Hono<AppEnv> {
  const { db, clock, logger, metrics } = deps;
  const chains = createChainDirectory(db, clock);
  const indexedUpTo = remember(() => readIndexedUpTo(db), INDEXED_UP_TO_STALE_MS, clock);
  const readers = new Map<string, ChainReader>();
  const readerOf = (chain: Chain) => {
    const key = `${chain.rpcUrl} ${chain.chainId}`;
    if (!readers.has(key)) {
      const failed = () => metrics.rpcErrors.inc({ chain_id: chain.chainId });
      readers.set(key, createChainReader(chain, deps.rpcTimeoutMs, failed));
    }
    return readers.get(key)!;
  };
  const verbContext = createVerbContext(db, clock);
  const readReadiness = remember(
    createReadiness({ chains, indexedUpTo: () => readIndexedUpTo(db), readerOf, clock }),
    READINESS_STALE_MS,
    clock,
  );

  const readGauges = registerGauges(
    metrics,
    {
      pipelineDepths: () => readPipelineDepths(db),
      jobDepths: () => readJobDepths(db),
      publisherBalances: async () => readPublisherBalances(await chains.all(), readerOf),
    },
    clock,
  );

  const refreshGauges = remember(readGauges, GAUGES_STALE_MS, clock);
  const readMetrics = async () => {
    await refreshGauges();
    return metrics.registry.metrics();
  };
  const submitHashes = createSubmitHashes(db, deps.planLimits);
  const findOwnLeaf = createOwnLeafFinder(db);
  const onDisagreement = createDisagreementReport(metrics, logger, clock);
  const readOwnStatuses = createOwnStatusReader({ chains, findOwnLeaf, onDisagreement });
  const tokens = createAccountTokens({ db, secretBox: deps.secretBox, issuer: deps.publicUrl, clock });

  const describeLeaf = createLeafDescriber({
    chains,
    indexedUpTo,
    readPath: createPathReader(db),
    readerOf,
    publicUrl: deps.publicUrl,
    onDisagreement,
  });
  const describeConsent = createConsentDescriber({ findOwnLeaf, describeLeaf });
  const recordConsents = createRecordConsents({ db, planLimits: deps.planLimits, secretBox: deps.secretBox });
  const serviceKeys = createServiceKeyKinds({ db, secretBox: deps.secretBox, clock });
  const proofKeys = deps.secretBox === null ? null : serviceKeys.consentProof;
  const apiKeys = createApiKeyDirectory(db);
  const checkTarget = createCheckTarget({
    resolveName: deps.resolveName,
    allowLoopback: deps.webhookAllowLoopback,
  });
  const accessTokens = createAccessTokens({ keys: serviceKeys.accessToken, issuer: deps.publicUrl, clock });

  const routes = [
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
        const [{ keys }, receiptKeys] = await Promise.all([
          describeJwks(db),
          serviceKeys.consentReceipt.listPublic(),
        ]);
        return { keys: [...keys, ...receiptKeys.map(receiptJwk)] };
      },
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
    }),
    ...consentProofRoutes({
      proofs: createProofReader(db, proofKeys),
      verbContext,
      chains,
      recordConsents,
      describeConsent,
      countRequest: deps.countRequest,
      keys: proofKeys,
      renderPdf: createPdfThreads(deps.pdfSigner),
      publicUrl: deps.publicUrl,
    }),
  ];

  const takeNonce = createNonceTaker(db);
  const app = new Hono<AppEnv>({ router: new PathRouter() });
  app.use(requestLog(logger, createClientAddress(deps.trustedProxies), metrics));
  const answerError = createErrorHandler(ERROR_BODIES);
  app.onError(answerError);
  app.notFound((c) => answerError(new NoSuchRouteError(), c));
  mountRoutes(app, routes, {
    limitPerAddress: limitPerAddress(deps.countRequest, deps.publicRateLimitPerMinute),
    auditCall: auditCall(createCallRecorder(db), clock),
    checkSignature: checkSignature(takeNonce, clock),
    checkHmac: checkHmac({
      secretsOf: createKeySecretDirectory(db, deps.secretBox),
      takeNonce,
      clock,
      uploadFolder: deps.uploadFolder,
    }),
    requireKey: requireApiKey({
      apiKeys,
      findAccountByToken: async (token) => {
        const accountId = await tokens.accountOf(token);
        return accountId === null ? null : findAccount(db, accountId);
      },
      keySha256OfAccessToken: accessTokens.keySha256Of,
      countRequest: deps.countRequest,
      refusalsPerMinute: deps.publicRateLimitPerMinute,
      onKeyUsed: deps.onKeyUsed,
    }),
  });
  const description = { version: packageJson.version, serverUrl: deps.publicUrl };
  mountDescription(app, describeRoutes(routes, ERROR_BODIES, description));
  return app;
}

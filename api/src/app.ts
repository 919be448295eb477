import { Hono } from "hono";
import type { Logger } from "pino";
import packageJson from "../../package.json" with { type: "json" };
import { createAccountTokens } from "./accounts/accountTokens.ts";
import { createApiKeyDirectory } from "./accounts/apiKeyDirectory.ts";
import { findAccount } from "./accounts/findAccount.ts";
import { type LoginLimits, loginRoutes } from "./accounts/loginRoutes.ts";
import type { PlanLimits } from "./accounts/plan.ts";
import { accountRoutes } from "./accounts/routes.ts";
import { createLeafDescriber } from "./anchoring/describeLeaf.ts";
import { createEarliestLeafFinder, createOwnLeafFinder } from "./anchoring/findLeaves.ts";
import { describeJwks, describePublicKeys } from "./anchoring/publicKeys.ts";
import { createProofReader } from "./anchoring/readProofs.ts";
import { anchoringRoutes } from "./anchoring/routes.ts";
import { createSubmitHashes } from "./anchoring/submitHashes.ts";
import { createCallRecorder } from "./audit/recordCalls.ts";
import { auditRoutes } from "./audit/routes.ts";
import { type Chain, createChainDirectory } from "./chain/chainDirectory.ts";
import { type ChainReader, createChainReader } from "./chain/chainReader.ts";
import { readIndexedUpTo } from "./chain/indexedAnchors.ts";
import type { Database } from "./db/client.ts";
import { createExportFiles } from "./exports/exportFiles.ts";
import { exportRoutes } from "./exports/routes.ts";
import { auditCall } from "./http/auditCall.ts";
import { createClientAddress } from "./http/clientAddress.ts";
import type { AppEnv } from "./http/context.ts";
import { answerError } from "./http/errorHandler.ts";
import { mountDescription } from "./http/mountDescription.ts";
import { mountRoutes } from "./http/mountRoutes.ts";
import { describeRoutes } from "./http/openapi.ts";
import type { CountRequest } from "./http/rateLimit.ts";
import { requestLog } from "./http/requestLog.ts";
import { limitPerAddress, requireApiKey } from "./http/requireApiKey.ts";
import { createVerbContext } from "./http/verbContext.ts";
import type { JobQueue } from "./jobs/jobQueue.ts";
import { createDisagreementReport } from "./operations/disagreementReport.ts";
import { type Metrics, registerGauges } from "./operations/metrics.ts";
import { createReadiness } from "./operations/readiness.ts";
import { readPipelineDepths } from "./operations/readPipelineDepths.ts";
import { readPublisherBalances } from "./operations/readPublisherBalances.ts";
import { operationRoutes } from "./operations/routes.ts";
import { remember } from "./remember.ts";
import type { SecretBox } from "./secrets/secretBox.ts";

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
  loginLimits: LoginLimits;
  metrics: Metrics;
  /** Null when no secret is configured. */
  secretBox: SecretBox | null;
};

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
      publisherBalances: async () => readPublisherBalances(await chains.all(), readerOf),
    },
    clock,
  );

  const refreshGauges = remember(readGauges, GAUGES_STALE_MS, clock);
  const readMetrics = async () => {
    await refreshGauges();
    return metrics.registry.metrics();
  };
  const tokens = createAccountTokens({ db, secretBox: deps.secretBox, issuer: deps.publicUrl, clock });

  const routes = [
    ...operationRoutes({ readReadiness, readMetrics }),
    ...loginRoutes({
      db,
      clock,
      tokens,
      countRequest: deps.countRequest,
      planLimits: deps.planLimits,
      limits: deps.loginLimits,
    }),
    ...accountRoutes({ verbContext, planLimits: deps.planLimits }),
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
    ...anchoringRoutes({
      verbContext,
      chains,
      submitHashes: createSubmitHashes(db, deps.planLimits),
      findEarliestLeaf: createEarliestLeafFinder(db),
      findOwnLeaf: createOwnLeafFinder(db),
      describeLeaf: createLeafDescriber({
        chains,
        indexedUpTo,
        readProof: createProofReader(db),
        readerOf,
        publicUrl: deps.publicUrl,
        onDisagreement: createDisagreementReport(metrics, logger, clock),
      }),
      describePublicKeys: () => describePublicKeys(db),
      describeJwks: () => describeJwks(db),
    }),
  ];

  const app = new Hono<AppEnv>();
  app.use(requestLog(logger, createClientAddress(deps.trustedProxies), metrics));
  app.onError(answerError);
  app.notFound((c) => c.json({ error: "Not found" }, 404));
  mountRoutes(app, routes, {
    limitPerAddress: limitPerAddress(deps.countRequest, deps.publicRateLimitPerMinute),
    auditCall: auditCall(createCallRecorder(db), clock),
    requireKey: requireApiKey({
      apiKeys: createApiKeyDirectory(db),
      findAccountByToken: async (token) => {
        const accountId = await tokens.accountOf(token);
        return accountId === null ? null : findAccount(db, accountId);
      },
      countRequest: deps.countRequest,
      onKeyUsed: deps.onKeyUsed,
    }),
  });
  mountDescription(app, describeRoutes(routes, { version: packageJson.version, serverUrl: deps.publicUrl }));
  return app;
}

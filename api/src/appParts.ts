import { createAccountTokens } from "./accounts/accountTokens.ts";
import { createApiKeyDirectory } from "./accounts/apiKeyDirectory.ts";
import { createLeafDescriber } from "./anchoring/describeLeaf.ts";
import { createOwnLeafFinder } from "./anchoring/findLeaves.ts";
import { createOwnStatusReader } from "./anchoring/ownStatuses.ts";
import { createPathReader } from "./anchoring/readPaths.ts";
import { createSubmitHashes } from "./anchoring/submitHashes.ts";
import type { AppDeps } from "./appDeps.ts";
import { type Chain, createChainDirectory } from "./chain/chainDirectory.ts";
import { type ChainReader, createChainReader } from "./chain/chainReader.ts";
import { readIndexedUpTo } from "./chain/indexedAnchors.ts";
import { createAccessTokens } from "./consentReceipts/accessTokens.ts";
import { createConsentDescriber } from "./consents/describeConsent.ts";
import { createOriginSigner } from "./consents/originSigner.ts";
import { createOriginReader } from "./consents/readOrigin.ts";
import { createRecordConsents } from "./consents/recordConsents.ts";
import { createVerbContext } from "./http/verbContext.ts";
import { createDisagreementReport } from "./operations/disagreementReport.ts";
import { registerGauges } from "./operations/metrics.ts";
import { createReadiness } from "./operations/readiness.ts";
import { readJobDepths } from "./operations/readJobDepths.ts";
import { readPipelineDepths } from "./operations/readPipelineDepths.ts";
import { readPublisherBalances } from "./operations/readPublisherBalances.ts";
import { createCheckTarget } from "./outbound/checkTarget.ts";
import { remember } from "./remember.ts";
import { createServiceKeyKinds } from "./secrets/serviceKeyKinds.ts";

/** How old "indexed up to" may be in an answer; milliseconds. */
const INDEXED_UP_TO_STALE_MS = 500;

/** How old an answer about readiness may be: each one asks every chain, and anybody may ask. Milliseconds. */
const READINESS_STALE_MS = 500;

/** The same of metrics that are read from the database and the chains; milliseconds. */
const GAUGES_STALE_MS = 1_000;

/** What several surfaces share, made once for all of them. */
export function createAppParts(deps: AppDeps) {
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
  const readOrigin = createOriginReader(db, clock);
  const describeConsent = createConsentDescriber({ findOwnLeaf, describeLeaf, readOrigin });
  const recordConsents = createRecordConsents({ db, planLimits: deps.planLimits, secretBox: deps.secretBox });
  const serviceKeys = createServiceKeyKinds({ db, secretBox: deps.secretBox, clock });
  const proofKeys = deps.secretBox === null ? null : serviceKeys.consentProof;
  const originKeys = deps.secretBox === null ? null : serviceKeys.consentOrigin;
  const verbContext = createVerbContext(db, clock, createOriginSigner(originKeys));
  const apiKeys = createApiKeyDirectory(db);
  const checkTarget = createCheckTarget({
    resolveName: deps.resolveName,
    allowLoopback: deps.webhookAllowLoopback,
  });
  const accessTokens = createAccessTokens({ keys: serviceKeys.accessToken, issuer: deps.publicUrl, clock });

  return {
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
  };
}

export type AppParts = ReturnType<typeof createAppParts>;

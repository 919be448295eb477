import { Hono } from "hono";
import packageJson from "../../package.json" with { type: "json" };
import { findAccount } from "./accounts/findAccount.ts";
import { createKeySecretDirectory } from "./accounts/keySecretDirectory.ts";
import { readQuota } from "./accounts/readMonthlyHashes.ts";
import type { AppDeps } from "./appDeps.ts";
import { createAppParts } from "./appParts.ts";
import { createRoutes } from "./appRoutes.ts";
import { createCallRecorder } from "./audit/recordCalls.ts";
import { consentGateErrorBody } from "./consentGate/errorBody.ts";
import { consentLogErrorBody } from "./consentLog/errorBody.ts";
import { consentProofErrorBody } from "./consentProof/errorBody.ts";
import { consentReceiptsErrorBody, oauthErrorBody } from "./consentReceipts/errorBody.ts";
import { NoSuchRouteError } from "./errors.ts";
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
import { requestLog } from "./http/requestLog.ts";
import { createNonceTaker } from "./http/requestNonces.ts";
import { limitPerAddress, requireApiKey } from "./http/requireApiKey.ts";

/** Of the surfaces that have one of their own. */
const ERROR_BODIES = [
  consentGateErrorBody,
  consentLogErrorBody,
  consentReceiptsErrorBody,
  oauthErrorBody,
  consentProofErrorBody,
];

/** The whole HTTP surface over what it is given; it opens nothing and starts nothing. */
export function createApp(deps: AppDeps): Hono<AppEnv> {
  const { db, clock, logger, metrics } = deps;
  const parts = createAppParts(deps);
  const { tokens, apiKeys, accessTokens } = parts;
  const routes = createRoutes(deps, parts);
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
      readQuota: (tenantId) => readQuota(db, tenantId, { planLimits: deps.planLimits, time: clock() }),
      refusalsPerMinute: deps.publicRateLimitPerMinute,
      onKeyUsed: deps.onKeyUsed,
    }),
  });
  const description = { version: packageJson.version, serverUrl: deps.publicUrl };
  mountDescription(app, describeRoutes(routes, ERROR_BODIES, description));
  return app;
}

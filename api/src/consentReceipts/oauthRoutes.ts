import type { Context } from "hono";
import { apiKeySha256, isApiKey } from "../accounts/apiKey.ts";
import type { ApiKeyDirectory } from "../accounts/apiKeyDirectory.ts";
import type { AppEnv } from "../http/context.ts";
import { defineRoute, EXAMPLE_ID, type Route } from "../http/route.ts";
import { ACCESS_TOKEN_LASTS_S, type AccessTokens, CONSENT_SCOPE } from "./accessTokens.ts";
import { accessTokenAnswer, oauthErrorAnswer, type TokenForm, tokenForm } from "./wire.ts";

export type OauthRoutesDeps = { apiKeys: ApiKeyDirectory; accessTokens: AccessTokens };

type Client = { id: string; secret: string };

/** RFC 6749 §5.2. */
class OauthError extends Error {
  override name = "OauthError";
  readonly status: 400 | 401;
  readonly code: string;
  constructor(status: 400 | 401, code: string, description: string) {
    super(description);
    this.status = status;
    this.code = code;
  }
}

/** OAuth 2.0 client credentials (SG-11; RFC 6749 §4.4): a key's id and the key get a token for an hour. */
export function oauthRoutes({ apiKeys, accessTokens }: OauthRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/oauth/token",
      summary: "An access token for the consent receipts",
      description:
        "`grant_type=client_credentials`; `client_id` is a key's id and `client_secret` the key, in the form or as Basic credentials.",
      access: "public",
      body: tokenForm,
      form: tokenForm,
      bodyExample: {
        grant_type: "client_credentials",
        client_id: EXAMPLE_ID,
        client_secret: `ha_${"0".repeat(64)}`,
        scope: CONSENT_SCOPE,
      },
      answers: {
        200: { description: "A Bearer token", schema: accessTokenAnswer },
        400: { description: "Another grant type or scope (RFC 6749 §5.2)", schema: oauthErrorAnswer },
        401: { description: "No such client, or another secret", schema: oauthErrorAnswer },
      },
      handle: async (c, { body }) => {
        try {
          return answerToken(c, await issueToken(c, body));
        } catch (error) {
          if (error instanceof OauthError) return answerOauthError(c, error);
          throw error;
        }
      },
    }),
  ];

  async function issueToken(c: Context<AppEnv>, form: TokenForm): Promise<string> {
    const client = clientOf(c, form.client_id, form.client_secret);
    if (form.grant_type !== "client_credentials")
      throw new OauthError(400, "unsupported_grant_type", "grant_type must be client_credentials");
    if ((form.scope ?? CONSENT_SCOPE) !== CONSENT_SCOPE)
      throw new OauthError(400, "invalid_scope", `scope must be ${CONSENT_SCOPE}`);
    const sha256 = isApiKey(client.secret) ? apiKeySha256(client.secret) : null;
    const key = sha256 && (await apiKeys.find(sha256));
    if (!sha256 || !key || key.id !== client.id || key.tenantStatus !== "active")
      throw new OauthError(401, "invalid_client", "Unknown client, or another secret");
    return accessTokens.issue({ id: key.id, sha256 });
  }
}

function clientOf(c: Context<AppEnv>, id: string | undefined, secret: string | undefined): Client {
  const basic = /^Basic +(\S+)$/i.exec(c.req.header("authorization") ?? "")?.[1];
  if (basic !== undefined) {
    if (secret !== undefined) throw new OauthError(400, "invalid_request", "Credentials are given twice");
    const [name = "", ...rest] = Buffer.from(basic, "base64").toString().split(":");
    return { id: decodeForm(name), secret: decodeForm(rest.join(":")) };
  }
  if (id === undefined || secret === undefined)
    throw new OauthError(401, "invalid_client", "client_id and client_secret are missing");
  return { id, secret };
}

/** RFC 6749 §2.3.1: credentials are form-encoded before they are joined. */
function decodeForm(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}

function answerToken(c: Context<AppEnv>, accessToken: string): Response {
  const body = {
    access_token: accessToken,
    token_type: "Bearer",
    expires_in: ACCESS_TOKEN_LASTS_S,
    scope: CONSENT_SCOPE,
  };
  return c.json(body, 200, { "Cache-Control": "no-store", Pragma: "no-cache" });
}

function answerOauthError(c: Context<AppEnv>, { status, code, message }: OauthError): Response {
  c.header("Cache-Control", "no-store");
  if (status === 401) c.header("WWW-Authenticate", 'Basic realm="holdfast"');
  return c.json({ error: code, error_description: message }, status);
}

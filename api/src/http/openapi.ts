import { z } from "zod";
import { SCOPES_OF_ACCOUNTS } from "../accounts/scope.ts";
import { HEADERS, headersOf } from "./answerHeaders.ts";
import { anchoringErrorBody, type ErrorBody, errorBodyOf } from "./errorBody.ts";
import { type Answer, isKeyed, type KeyAccess, type Route } from "./route.ts";

/** An OpenAPI 3.1 document, or a part of one; its schemas are JSON Schema 2020-12. */
type Json = Record<string, unknown>;

const SECURITY_SCHEMES = {
  apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
  bearer: { type: "http", scheme: "bearer", description: "The same API key as `Authorization: Bearer ha_…`" },
  account: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "An account's token, from /auth/register or /auth/login",
  },
};

const inHeader = (name: string, description: string) => ({
  name,
  in: "header",
  required: false,
  description,
  schema: { type: "string" },
});
const IDEMPOTENCY_KEY = inHeader(
  "Idempotency-Key",
  "1 to 255 printable ASCII characters: the same key and request within 24 hours get the first answer again",
);
const SIGNATURE_HEADERS = [
  inHeader("X-Timestamp", "Of a signed request: seconds since 1970, at most 300 from now"),
  inHeader("X-Nonce", "Of a signed request: a UUID that was not used before"),
  inHeader(
    "X-Signature",
    "Hex HMAC-SHA256 with the API key over method, path, time stamp, nonce and hex SHA-256 of the body, a line each",
  ),
];

const HMAC_HEADERS = [
  {
    ...inHeader(
      "X-HMAC-Signature",
      'Hex HMAC-SHA256 with a secret of the key over `METHOD + path + ("?" + query) + raw body`; of an upload, `"\\n" + fields + "\\n" + SHA-256s` stand in the body\'s place',
    ),
    required: true,
    example: "0".repeat(64),
  },
  inHeader(
    "X-Timestamp",
    "Of a key that demands it: seconds since 1970, at most 300 from now; signed with X-Nonce at the end of the text, each after a line feed",
  ),
  inHeader("X-Nonce", "Of a key that demands it: a UUID that was not used before"),
];

const REFUSALS: Record<number, string> = {
  400: "Malformed input; the body says what, and where",
  401: "No key, or one that is unknown or revoked",
  403: "The key's scope is missing, or its tenant is suspended",
  422: "Members that are not what the route takes",
  413: "The body is larger than 1,048,576 bytes",
  429: "Over a limit; `Retry-After` says for how many seconds",
  500: "Our own error; the log has it under `requestId`",
  503: "Database or chain did not answer; send the same again after `Retry-After`",
};

/** The document that describes `routes`, from the same definitions that mount and check them. Source: OpenAPI 3.1.1. */
export function describeRoutes(
  routes: Route[],
  errorBodies: readonly ErrorBody[],
  info: { version: string; serverUrl: string },
): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, "{$1}");
    paths[path] = {
      ...paths[path],
      [route.method]: operationOf(route, errorBodyOf(errorBodies, route.path)),
    };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Holdfast",
      version: info.version,
      description: "Accepts hashes, anchors them on EVM chains and serves receipts that hold without us.",
    },
    servers: [{ url: info.serverUrl }],
    paths,
    components: {
      securitySchemes: SECURITY_SCHEMES,
      schemas: errorSchemas(errorBodies),
      headers: HEADERS,
    },
  };
}

function errorSchemas(errorBodies: readonly ErrorBody[]): Json {
  const schemas = [...errorBodies, anchoringErrorBody].map(({ name, schema }) => [
    name,
    jsonSchemaOf(schema, "output"),
  ]);
  return Object.fromEntries(schemas);
}

function operationOf(route: Route, errorBody: ErrorBody): Json {
  const { access, summary, description, body, multipart, bodyExample } = route;
  return {
    operationId: operationIdOf(route),
    summary,
    ...(description ? { description } : {}),
    ...(isKeyed(access)
      ? {
          security: securityOf(access),
          "x-scope": access.scope,
          ...(access.hmac ? { "x-hmac": access.hmac } : {}),
        }
      : { security: [] }),
    parameters: parametersOf(route),
    ...(body
      ? {
          requestBody: {
            required: !route.bodyMayBeEmpty,
            content: jsonContent(jsonSchemaOf(body, "input"), bodyExample),
          },
        }
      : {}),
    ...(multipart ? { requestBody: uploadBodyOf(multipart) } : {}),
    responses: responsesOf(route, errorBody),
  };
}

/** A form's fields, and its file. */
function uploadBodyOf(fields: z.ZodType): Json {
  const schema = jsonSchemaOf(fields, "input") as { properties: Json; required: string[] };
  const file = { type: "string", contentMediaType: "application/octet-stream" };
  const form = {
    ...schema,
    properties: { ...schema.properties, file },
    required: [...schema.required, "file"],
  };
  return { required: true, content: { "multipart/form-data": { schema: form } } };
}

/** `post /v1/hashes/:hash` is postV1HashesByHash: stable, unique, and readable in generated clients. */
function operationIdOf({ method, path }: Route): string {
  const words = path.split(/[/.-]/).filter((word) => word !== "");
  const name = words.map((word) => (word.startsWith(":") ? `By${capital(word.slice(1))}` : capital(word)));
  return method + name.join("");
}

const capital = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);

function securityOf({ by, scope, hmac }: KeyAccess): Json[] {
  if (by === "account") return [{ account: [] }];
  // An account has no secret to sign with.
  if (hmac) return [{ apiKey: [] }, { bearer: [] }];
  const byAccount = SCOPES_OF_ACCOUNTS.includes(scope) ? [{ account: [] }] : [];
  return [{ apiKey: [] }, { bearer: [] }, ...byAccount];
}

function parametersOf({ access, params = {}, query, idempotent }: Route): Json[] {
  const inHeader = [
    ...(idempotent ? [IDEMPOTENCY_KEY] : []),
    ...(isKeyed(access) && access.signable ? SIGNATURE_HEADERS : []),
    ...(isKeyed(access) && access.hmac ? HMAC_HEADERS : []),
  ];
  const inPath = Object.entries(params).map(([name, { schema, description, example }]) => ({
    name,
    in: "path",
    required: true,
    description,
    schema: jsonSchemaOf(schema, "input"),
    example,
  }));
  const querySchema = query
    ? (jsonSchemaOf(query, "input") as { properties?: Json; required?: string[] })
    : {};
  const inQuery = Object.entries(querySchema.properties ?? {}).map(([name, property]) => {
    const { example, ...schema } = property as Json;
    const required = querySchema.required?.includes(name) ?? false;
    return { name, in: "query", required, schema, ...(example === undefined ? {} : { example }) };
  });
  return [...inPath, ...inQuery, ...inHeader];
}

function responsesOf(route: Route, errorBody: ErrorBody): Json {
  const refusal = (description: string) => ({
    description,
    content: jsonContent({ $ref: `#/components/schemas/${errorBody.name}` }),
  });
  const responses: Record<number, Json> = {};
  for (const [given, answer] of Object.entries(route.answers)) {
    const status = Number(given);
    responses[status] = status < 400 || answer.schema ? responseOf(answer) : refusal(answer.description);
  }
  for (const status of refusalsOf(route, errorBody)) responses[status] ??= refusal(REFUSALS[status]!);
  return Object.fromEntries(
    Object.entries(responses).map(([status, response]) => {
      const names = headersOf(route, Number(status));
      const headers = Object.fromEntries(
        names.map((name) => [name, { $ref: `#/components/headers/${name}` }]),
      );
      return [status, { ...response, headers }];
    }),
  );
}

/** What access, input and the parts behind a route can refuse it with, beside its own answers. */
function refusalsOf(
  { access, params, query, body, multipart }: Route,
  { invalidInputStatus }: ErrorBody,
): number[] {
  return [
    ...(body || multipart ? [400, 413] : []),
    ...(params || query || body ? [invalidInputStatus] : []),
    ...(isKeyed(access) ? [401, 403] : []),
    ...(access === "open" ? [] : [429, 500, 503]),
  ];
}

function responseOf({ description, schema, example, contentType }: Answer): Json {
  if (contentType) return { description, content: { [contentType]: {} } };
  if (!schema) return { description };
  return { description, content: jsonContent(jsonSchemaOf(schema, "output"), example) };
}

function jsonContent(schema: Json, example?: unknown): Json {
  return { "application/json": { schema, ...(example === undefined ? {} : { example }) } };
}

/** What a schema accepts ("input") or what comes out of it ("output"). */
function jsonSchemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    target: "draft-2020-12",
    unrepresentable: "any",
  });
  return json;
}

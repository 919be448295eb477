import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { listOperations, type OpenApiDocument, type Operation } from "./openapi.ts";

type AnswerToCheck = { status: number; headers: Headers; body: unknown };

export type DocumentedAnswers = {
  operations: Operation[];
  /** What is wrong with an answer by its documented status, schema and headers; null when nothing is. */
  problemOf(operationId: string, answer: AnswerToCheck): string | null;
  /** The same of an example of an answer in the document. */
  examplesWithProblems(): string[];
};

const QUOTA_HEADERS = ["X-Quota-Limit", "X-Quota-Used", "X-Quota-Remaining"];

/** Holds answers against the document that describes them. */
export function holdAgainst(document: OpenApiDocument): DocumentedAnswers {
  const operations = listOperations(document);
  const ajv = new Ajv2020({ strict: false, allErrors: true, formats: { base64: true } });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "openapi", ...document });

  function problemOfBody(schema: Record<string, unknown>, body: unknown): string | null {
    const validate = ajv.compile("$ref" in schema ? { $ref: `openapi${schema.$ref as string}` } : schema);
    return validate(body) ? null : ajv.errorsText(validate.errors);
  }

  function problemOf(operationId: string, { status, headers, body }: AnswerToCheck): string | null {
    const operation = operations.find((one) => one.operationId === operationId);
    const documented = operation?.responses[status];
    if (documented === undefined) return `${operationId} answered ${status}, which is not documented`;
    const promised = Object.keys(documented.headers ?? {});
    const isOptional = (name: string) =>
      OPTIONAL_HEADERS.has(name) || (status === 401 && name.startsWith("X-RateLimit-"));
    const missing = promised.filter((name) => !isOptional(name) && !headers.has(name));
    if (missing.length > 0) return `${operationId} ${status} lacks ${missing.join(", ")}`;
    const undocumented = DOCUMENTED_HEADERS.filter((name) => headers.has(name) && !promised.includes(name));
    if (undocumented.length > 0)
      return `${operationId} ${status} has undocumented ${undocumented.join(", ")}`;
    const schema = documented.content?.["application/json"]?.schema;
    const problem = schema === undefined ? null : problemOfBody(schema, body);
    return problem === null ? null : `${operationId} ${status}: ${problem}`;
  }

  return {
    operations,
    problemOf,
    examplesWithProblems: () =>
      operations.flatMap(({ operationId, responses }) =>
        Object.entries(responses).flatMap(([status, { content }]) => {
          const { schema, example } = content?.["application/json"] ?? {};
          const problem =
            schema === undefined || example === undefined ? null : problemOfBody(schema, example);
          return problem === null ? [] : [`${operationId} ${status}: ${problem}`];
        }),
      ),
  };
}

/** Not on every answer of that status: only those of a tenant with a plan, and not on a 429 for the quota. */
const OPTIONAL_HEADERS = new Set([...QUOTA_HEADERS, "Retry-After"]);
const DOCUMENTED_HEADERS = [
  ...QUOTA_HEADERS,
  "X-Request-Id",
  "X-RateLimit-Limit",
  "X-RateLimit-Remaining",
  "Retry-After",
  "WWW-Authenticate",
];

type Schema = Record<string, unknown>;
type Content = Record<string, { schema?: Schema; example?: unknown }>;
type DescribedOperation = {
  operationId: string;
  security: Record<string, string[]>[];
  "x-scope"?: string;
  "x-hmac"?: "body" | "upload";
  parameters: { name: string; in: "path" | "query" | "header"; required: boolean; example?: string }[];
  requestBody?: { content: Content };
  responses: Record<
    string,
    { description: string; content?: Content; headers?: Record<string, { $ref: string }> }
  >;
};

export type OpenApiDocument = {
  openapi: string;
  paths: Record<string, Record<string, DescribedOperation>>;
  components: { schemas: Record<string, Schema> };
};

export type Operation = {
  operationId: string;
  method: string;
  path: string;
  parameters: DescribedOperation["parameters"];
  takesBody: boolean;
  /** The path with its documented examples in place of its parameters. */
  examplePath: string;
  exampleBody: unknown;
  /** The scope that a key needs; undefined where anybody may call. */
  scope: string | undefined;
  /** How its requests are signed with a secret of the key, where they are. */
  hmac: "body" | "upload" | undefined;
  /** Whether an API key is one of the ways to call it. */
  takesKey: boolean;
  /** Whether an account's token is one. */
  takesAccount: boolean;
  hasPathParameter: boolean;
  responses: DescribedOperation["responses"];
};

/** Every operation of a document, with the request that its examples make. */
export function listOperations(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, described]) => {
      const inPath = described.parameters.filter((parameter) => parameter.in === "path");
      const needed = described.parameters.filter(({ in: where, example }) => where === "query" && example);
      const query = new URLSearchParams(needed.map(({ name, example }) => [name, example!])).toString();
      const examplePath = inPath.reduce((url, { name, example }) => url.replace(`{${name}}`, example!), path);
      return {
        operationId: described.operationId,
        method: method.toUpperCase(),
        path,
        parameters: described.parameters,
        takesBody: described.requestBody?.content["application/json"] !== undefined,
        examplePath: query === "" ? examplePath : `${examplePath}?${query}`,
        exampleBody: described.requestBody?.content["application/json"]?.example,
        scope: described["x-scope"],
        hmac: described["x-hmac"],
        takesKey: described.security.some((way) => "apiKey" in way),
        takesAccount: described.security.some((way) => "account" in way),
        hasPathParameter: inPath.length > 0,
        responses: described.responses,
      };
    }),
  );
}

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Hono } from "hono";
import type { AppEnv } from "./context.ts";

const ASSETS = {
  "swagger-ui.css": "text/css; charset=utf-8",
  "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
} as const;

const PAGE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Holdfast API</title><link rel="stylesheet" href="docs/swagger-ui.css"></head>
<body><div id="ui"></div><script src="docs/swagger-ui-bundle.js"></script><script src="docs/start.js"></script></body>
</html>
`;
const START = `SwaggerUIBundle({ url: "openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null });\n`;
// The page needs nothing from elsewhere; Swagger UI sets styles of its own and draws inline images.
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `/openapi.json` and, over it, Swagger UI at `/docs` (HA-21), from our own origin: no script comes from elsewhere. */
export function mountDescription(app: Hono<AppEnv>, document: Record<string, unknown>): void {
  const text = JSON.stringify(document);
  app.get("/openapi.json", (c) => c.body(text, 200, { "Content-Type": "application/json" }));
  app.get("/docs", (c) => c.html(PAGE, 200, { "Content-Security-Policy": POLICY }));
  app.get("/docs/start.js", (c) => c.body(START, 200, { "Content-Type": "text/javascript; charset=utf-8" }));
  const folder = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
  for (const [name, type] of Object.entries(ASSETS)) {
    const content = readFileSync(join(folder, name), "utf8");
    app.get(`/docs/${name}`, (c) =>
      c.body(content, 200, { "Content-Type": type, "Cache-Control": "public, max-age=86400" }),
    );
  }
}

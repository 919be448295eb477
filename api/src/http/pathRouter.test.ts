import { Hono } from "hono";
import { expect, test } from "vitest";
import { PathRouter } from "./pathRouter.ts";

function createApp() {
  const app = new Hono({ router: new PathRouter() });
  app.use(async (c, next) => {
    await next();
    c.header("X-Seen", "yes");
  });
  app.get("/consents/:token", (c) => c.text(`token ${c.req.param("token")}`));
  app.get("/consents/holds", (c) => c.text("holds"));
  app.post("/consents/:token/withdraw", (c) => c.text(`withdrawn ${c.req.param("token")}`));
  app.get("/consents/:token/:part", (c) => c.text(`part ${c.req.param("part")}`));
  app.get("/consents/tokens/:id", (c) => c.text(`id ${c.req.param("id")}`));
  app.all("/anything", (c) => c.text(c.req.method));
  return app;
}

test.each([
  ["GET", "/consents/holds", 200, "holds"],
  ["GET", "/consents/hold", 200, "token hold"],
  ["GET", "/consents/a%20b", 200, "token a b"],
  ["POST", "/consents/holds/withdraw", 200, "withdrawn holds"],
  ["GET", "/consents/a/b", 200, "part b"],
  ["GET", "/elsewhere/a", 404, "404 Not Found"],
  ["PUT", "/anything", 200, "PUT"],
  ["POST", "/consents/holds", 404, "404 Not Found"],
  ["GET", "/consents/holds/", 404, "404 Not Found"],
  ["GET", "/", 404, "404 Not Found"],
])("%s %s: %i %s", async (method, path, status, text) => {
  const answer = await createApp().request(path, { method });
  expect(answer.status).toBe(status);
  expect(await answer.text()).toBe(text);
  expect(answer.headers.get("X-Seen")).toBe("yes");
});

test("middleware that would miss routes is refused", () => {
  const app = new Hono({ router: new PathRouter() });
  app.get("/a/:b", (c) => c.text(""));
  expect(() => app.use(async () => {})).toThrow("before any route");
});

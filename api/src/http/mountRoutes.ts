import type { Context, Hono, MiddlewareHandler } from "hono";
import { isForm, parseInput, readForm, readJson } from "./body.ts";
import type { AppEnv } from "./context.ts";
import { pairsOf } from "./hmacTexts.ts";
import type { KeyAccess, Route } from "./route.ts";

export type Guards = {
  limitPerAddress: MiddlewareHandler<AppEnv>;
  auditCall: (access: KeyAccess) => MiddlewareHandler<AppEnv>;
  requireKey: (access: KeyAccess) => MiddlewareHandler<AppEnv>;
  checkSignature: MiddlewareHandler<AppEnv>;
  checkHmac: (kind: "body" | "upload") => MiddlewareHandler<AppEnv>;
};

/** Puts routes into the app: who may call, then what was sent, parsed once by the schemas that also describe it, then the handler. */
export function mountRoutes(app: Hono<AppEnv>, routes: Route[], guards: Guards): void {
  for (const route of routes) {
    app.on(route.method.toUpperCase(), [route.path], ...guardsOf(route, guards), async (c) => {
      await route.mustExist?.(c);
      const query = route.query && parseInput(route.query, queryOf(c, route), "query");
      const body = await bodyOf(c, route);
      return route.handle(c, { query, body });
    });
  }
}

/** Of repeated names the first counts; where the query is signed, the one that is. */
function queryOf(c: Context<AppEnv>, { access }: Route): Record<string, string> {
  const isSigned = typeof access === "object" && access.hmac !== undefined;
  return isSigned ? Object.fromEntries(pairsOf(new URL(c.req.url).search)) : c.req.query();
}

async function bodyOf(c: Context<AppEnv>, { body, form, bodyMayBeEmpty }: Route) {
  if (form !== undefined && isForm(c)) return readForm(c, form);
  return body && readJson(c, body, bodyMayBeEmpty);
}

function guardsOf({ access }: Route, guards: Guards): MiddlewareHandler<AppEnv>[] {
  if (access === "open") return [];
  if (access === "public") return [guards.limitPerAddress];
  const byKey = [guards.auditCall(access), guards.requireKey(access)];
  if (access.hmac) return [...byKey, guards.checkHmac(access.hmac)];
  return access.signable ? [...byKey, guards.checkSignature] : byKey;
}

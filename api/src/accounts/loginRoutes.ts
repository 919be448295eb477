import type { Context } from "hono";
import type { Database } from "../db/client.ts";
import { UnauthorizedError } from "../errors.ts";
import { networkOf } from "../http/clientAddress.ts";
import type { AppEnv } from "../http/context.ts";
import type { CountRequest } from "../http/rateLimit.ts";
import { defineRoute, type Route } from "../http/route.ts";
import type { AccountTokens } from "./accountTokens.ts";
import { findAccount, findAccountByEmail } from "./findAccount.ts";
import { createLoginLimits, type LoginLimits } from "./loginLimits.ts";
import { createPasswords } from "./password.ts";
import type { PlanLimits } from "./plan.ts";
import { provision } from "./provision.ts";
import { register } from "./register.ts";
import { rememberNetwork } from "./rememberNetwork.ts";
import {
  loginAnswer,
  loginBody,
  meAnswer,
  provisionAnswer,
  provisionBody,
  registerAnswer,
  registerBody,
} from "./wire.ts";

export type LoginRoutesDeps = {
  db: Database;
  clock: () => Date;
  tokens: AccountTokens;
  countRequest: CountRequest;
  planLimits: PlanLimits;
  limits: LoginLimits;
};

/** Accounts (HA-1): registering, logging in, and the one step for programs. */
export function loginRoutes(deps: LoginRoutesDeps): Route[] {
  const { db, clock, tokens, planLimits } = deps;
  const limits = createLoginLimits(deps.countRequest, deps.limits);
  const passwords = createPasswords();
  const networkOfClient = (c: Context<AppEnv>) => networkOf(c.get("clientAddress"));

  return [
    defineRoute({
      method: "post",
      path: "/auth/register",
      summary: "Register a tenant of plan free, with an account to log in with",
      access: "public",
      body: registerBody,
      bodyExample: { name: "Acme Corp", email: "dev@acme.example", password: "correct horse battery" },
      answers: {
        201: { description: "Registered; the token lasts seven days", schema: registerAnswer },
        409: { description: "The e-mail address is registered already" },
      },
      handle: async (c, { body }) => {
        const network = networkOfClient(c);
        await limits.signUp(network);
        const issue = await tokens.issuer();
        const { account, tenant } = await register(db, passwords, body, clock());
        await rememberNetwork(db, account, network, clock());
        return c.json({ token: await issue(account.id), tenant }, 201);
      },
    }),
    defineRoute({
      method: "post",
      path: "/auth/login",
      summary: "Log in",
      access: "public",
      body: loginBody,
      bodyExample: { email: "dev@acme.example", password: "correct horse battery" },
      answers: {
        200: { description: "A token of seven days", schema: loginAnswer },
        401: { description: "Wrong e-mail address or password, whichever" },
      },
      handle: async (c, { body: { email, password } }) => {
        const network = networkOfClient(c);
        await limits.logIn(email, network);
        const account = await findAccountByEmail(db, { email, network, now: clock() });
        if (!account?.isKnownNetwork) await limits.logInAsStranger(email);
        // As long for an address that nobody has.
        const isRight = await passwords.isRight(password, account?.passwordHash ?? null);
        if (account === null || !isRight) throw new UnauthorizedError("Invalid email or password");
        const issue = await tokens.issuer();
        await rememberNetwork(db, account, network, clock());
        return c.json({ token: await issue(account.id), tenant: tenantOf(account) });
      },
    }),
    defineRoute({
      method: "post",
      path: "/auth/provision",
      summary: "Make a tenant of plan free and a key of it, in one step",
      access: "public",
      body: provisionBody,
      bodyExample: { name: "Build agent" },
      answers: { 201: { description: "The key is shown this once", schema: provisionAnswer } },
      handle: async (c, { body }) => {
        await limits.signUp(networkOfClient(c));
        return c.json(await provision(db, body, planLimits.free, clock()), 201);
      },
    }),
    defineRoute({
      method: "get",
      path: "/auth/me",
      summary: "Whose token this is",
      access: { scope: "query", by: "account", action: "account.view", resourceType: "account" },
      answers: { 200: { description: "The account and its tenant", schema: meAnswer } },
      handle: async (c) => {
        const account = await findAccount(db, c.get("accountId")!);
        if (account === null) throw new UnauthorizedError("Invalid token");
        return c.json({
          id: account.id,
          name: account.name,
          email: account.email,
          tenant: tenantOf(account),
        });
      },
    }),
  ];
}

function tenantOf(account: { tenantId: string; tenantName: string; email: string; plan: string | null }) {
  return { id: account.tenantId, name: account.tenantName, email: account.email, plan: account.plan };
}

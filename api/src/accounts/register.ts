import { accounts } from "../db/accounts.ts";
import type { Database } from "../db/client.ts";
import { tenants } from "../db/tenants.ts";
import { ConflictError } from "../errors.ts";
import { newId } from "../newId.ts";
import type { Passwords } from "./password.ts";
import type { RegisterInput } from "./wire.ts";

/** A new tenant of plan free with its first account (HA-1). */
export async function register(db: Database, passwords: Passwords, input: RegisterInput, now: Date) {
  const passwordHash = await passwords.hash(input.password);
  return db.orm.transaction(async (tx) => {
    const tenantId = newId();
    await tx
      .insert(tenants)
      .values({ id: tenantId, name: input.name, contactEmail: input.email, plan: "free", createdAt: now });
    const account = {
      tenantId,
      id: newId(),
      name: input.name,
      email: input.email,
      passwordHash,
      createdAt: now,
    };
    // Two that register one address at a time: the second waits for the first, and finds nothing to insert.
    const inserted = await tx
      .insert(accounts)
      .values(account)
      .onConflictDoNothing()
      .returning({ id: accounts.id });
    if (inserted.length === 0) throw new ConflictError("Email already registered");
    return {
      account: { id: account.id, tenantId },
      tenant: { id: tenantId, name: input.name, email: input.email, plan: "free" },
    };
  });
}

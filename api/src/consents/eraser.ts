import type { PoolClient } from "pg";

/** Whose values go: of a person, by what records name them, as visitor or as subject; or of a record that names nobody, by its id. */
export type Erased = { tenantId: string; person: string | null; consentId: string | null };

/**
 * Deletes what one folder keeps of them, in the erasure's transaction, so that all goes or nothing. What lies outside of the
 * database is marked there, and a job that is repeated until it has succeeded deletes it.
 */
export type Eraser = (tx: Pick<PoolClient, "query">, erased: Erased) => Promise<void>;

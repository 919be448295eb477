import type { PoolClient } from "pg";

/** A person whose values go. */
export type Erasure = {
  tenantId: string;
  /** What records name the person by, as visitor or as subject. */
  person: string;
};

/**
 * Deletes what one folder keeps of a person, in the erasure's transaction, so that all goes or nothing. What lies outside of the
 * database is marked there, and a job that is repeated until it has succeeded deletes it.
 */
export type Eraser = (tx: Pick<PoolClient, "query">, erasure: Erasure) => Promise<void>;

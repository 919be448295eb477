import { createRequire } from "node:module";
import type * as Drizzle from "drizzle-orm";
import type * as NodePostgres from "drizzle-orm/node-postgres";
import type * as Migrator from "drizzle-orm/node-postgres/migrator";
import type * as PgCore from "drizzle-orm/pg-core";

export type { SQL } from "drizzle-orm";
export type { NodePgDatabase } from "drizzle-orm/node-postgres";

// Its CommonJS form: Node parses a package.json anew for every ES module of a package, and that of drizzle-orm has 180 kB. As ES modules it
// is half of what a process costs to start.
const load = createRequire(import.meta.url);
const orm: typeof Drizzle = load("drizzle-orm");
const pgCore: typeof PgCore = load("drizzle-orm/pg-core");

export const {
  and,
  asc,
  count,
  desc,
  DrizzleQueryError,
  eq,
  getTableColumns,
  inArray,
  isNotNull,
  isNull,
  lte,
  min,
  sql,
  sum,
} = orm;
export const {
  bigint,
  boolean,
  customType,
  integer,
  jsonb,
  pgSchema,
  primaryKey,
  smallint,
  text,
  timestamp,
  uuid,
} = pgCore;
export const { drizzle }: typeof NodePostgres = load("drizzle-orm/node-postgres");
export const { migrate }: typeof Migrator = load("drizzle-orm/node-postgres/migrator");

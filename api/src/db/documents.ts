import { integer, text, timestamp, uuid } from "./drizzle.ts";
import { app, bytea } from "./schema.ts";

export const documents = app.table("documents", {
  tenantId: uuid("tenant_id").notNull(),
  id: uuid().notNull(),
  slug: text().notNull(),
  title: text().notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
});

export const documentVersions = app.table("document_versions", {
  tenantId: uuid("tenant_id").notNull(),
  id: uuid().notNull(),
  /** Counts the tenant's versions. */
  number: integer().notNull(),
  documentId: uuid("document_id").notNull(),
  version: text().notNull(),
  /** BCP 47, canonical. */
  language: text().notNull(),
  /** The exact UTF-8 bytes of the text. */
  content: bytea().notNull(),
  textSha256: bytea("text_sha256").notNull(),
  status: text({ enum: ["draft", "active", "retired"] }).notNull(),
  createdAt: timestamp("created_at", { withTimezone: true }).notNull(),
  effectiveAt: timestamp("effective_at", { withTimezone: true }),
  publishedAt: timestamp("published_at", { withTimezone: true }),
  retiredAt: timestamp("retired_at", { withTimezone: true }),
});

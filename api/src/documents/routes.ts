import type { Context } from "hono";
import { z } from "zod";
import { pageQuery } from "../accounts/wire.ts";
import { NotFoundError } from "../errors.ts";
import { type AppEnv, setHeader } from "../http/context.ts";
import { matchesEtag } from "../http/etag.ts";
import { type Access, defineRoute, EXAMPLE_ID, type KeyAccess, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import { activateVersion } from "./activateVersion.ts";
import { type FindActiveDocument, STALE } from "./activeDocuments.ts";
import { createDocument } from "./createDocument.ts";
import { createVersion } from "./createVersion.ts";
import { describeVersion } from "./describeVersion.ts";
import { listDocuments } from "./listDocuments.ts";
import { listVersions } from "./listVersions.ts";
import {
  activeDocumentAnswer,
  createDocumentBody,
  createdDocumentAnswer,
  createVersionBody,
  documentListAnswer,
  languageQuery,
  oneVersionAnswer,
  slug,
  versionListAnswer,
} from "./wire.ts";

export type DocumentRoutesDeps = {
  verbContext: ReturnType<typeof createVerbContext>;
  findActiveDocument: FindActiveDocument;
  getTextSha256: (versionId: string) => Promise<Uint8Array>;
  getTextBytes: (versionId: string) => Promise<Uint8Array>;
  publicUrl: string;
};

const EXAMPLE_SLUG = "terms-of-service";
const slugParam = { slug: { schema: slug, description: "The document's slug", example: EXAMPLE_SLUG } };
const idParam = { id: { schema: z.uuid(), description: "The version's id", example: EXAMPLE_ID } };

const managing = (action: `document.${string}`): KeyAccess => ({
  scope: "manage",
  action,
  resourceType: "document",
});

const changing = (action: `document.${string}`): Access => ({ ...managing(action), signable: true });

/** Documents and their versions (hashentry.md, Documents), and the active one that is polled (HE-6). */
export function documentRoutes(deps: DocumentRoutesDeps): Route[] {
  return [...managingRoutes(deps), activeRoute(deps), textRoute(deps)];
}

function managingRoutes({ verbContext, publicUrl }: DocumentRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/v1/documents",
      summary: "Create a document",
      access: changing("document.create"),
      body: createDocumentBody,
      bodyExample: { slug: EXAMPLE_SLUG, title: "Terms of Service" },
      answers: {
        201: { description: "Created, without a version", schema: createdDocumentAnswer },
        409: { description: "The tenant has a document of this slug" },
      },
      handle: async (c, { body }) => {
        const { id, slug, title, createdAt } = await createDocument({ ctx: verbContext(c), input: body });
        return c.json({ data: { id, slug, title, created_at: createdAt } }, 201);
      },
    }),
    defineRoute({
      method: "get",
      path: "/v1/documents",
      summary: "List your documents, the newest first",
      access: managing("document.list"),
      query: pageQuery,
      answers: { 200: { description: "One page", schema: documentListAnswer } },
      handle: async (c, { query }) => {
        const { data, pagination } = await listDocuments({ ctx: verbContext(c), input: query });
        const documents = data.map(({ id, slug, title, createdAt }) => ({
          id,
          slug,
          title,
          created_at: createdAt,
        }));
        return c.json({ data: documents, pagination });
      },
    }),
    defineRoute({
      method: "post",
      path: "/v1/documents/:slug/versions",
      summary: "Add a version of a document",
      description: "A version's text never changes. With `activate` it takes the place of the active one.",
      access: changing("document.add_version"),
      params: slugParam,
      body: createVersionBody,
      bodyExample: { version: "1.0", language: "en", text: "You agree to pay.\n", activate: true },
      answers: {
        201: { description: "Added", schema: oneVersionAnswer },
        404: { description: "The tenant has no such document" },
        409: { description: "The document has this version in this language" },
      },
      handle: async (c, { body }) => {
        const created = await createVersion({
          ctx: verbContext(c),
          input: { ...body, slug: namedSlug(c) },
        });
        return c.json({ data: describeVersion(created, publicUrl) }, 201);
      },
    }),
    defineRoute({
      method: "get",
      path: "/v1/documents/:slug/versions",
      summary: "List a document's versions in all languages, the newest first",
      access: managing("document.list_versions"),
      params: slugParam,
      query: pageQuery,
      answers: {
        200: { description: "One page", schema: versionListAnswer },
        404: { description: "The tenant has no such document" },
      },
      handle: async (c, { query }) => {
        const input = { ...query, slug: namedSlug(c) };
        const { data, pagination } = await listVersions({ ctx: verbContext(c), input });
        return c.json({ data: data.map((version) => describeVersion(version, publicUrl)), pagination });
      },
    }),
    defineRoute({
      method: "post",
      path: "/v1/documents/:slug/versions/:id/activate",
      summary: "Make a version the active one of its language",
      description: "Retires the one before it. A repeat changes nothing.",
      access: changing("document.activate"),
      params: { ...slugParam, ...idParam },
      answers: {
        200: { description: "The version, active now or before", schema: oneVersionAnswer },
        404: { description: "The tenant's document has no such version" },
        409: { description: "A retired version cannot become active again" },
      },
      handle: async (c) => {
        const input = { slug: namedSlug(c), versionId: namedVersion(c) };
        const activated = await activateVersion({ ctx: verbContext(c), input });
        return c.json({ data: describeVersion(activated, publicUrl) });
      },
    }),
  ];
}

function activeRoute({ verbContext, findActiveDocument }: DocumentRoutesDeps): Route {
  return defineRoute({
    method: "get",
    path: "/tool/v1/documents/:slug/active",
    summary: "The active version of a document, with its text",
    description: "Meant to be polled: with `If-None-Match` and the last `ETag` an unchanged one is a 304.",
    access: {
      scope: "query",
      checked: "inStatement",
      action: "document.view_active",
      resourceType: "document",
    },
    params: slugParam,
    query: languageQuery,
    answers: {
      200: { description: "The text as it is shown now", schema: activeDocumentAnswer },
      304: { description: "It is the one that the ETag stands for" },
      404: { description: "No version is active in this language" },
    },
    handle: async (c, { query: { language } }) => {
      const poll = { slug: namedSlug(c), language, ifNoneMatch: c.req.header("if-none-match") };
      const ctx = verbContext(c);
      let active = await findActiveDocument({ ...poll, ctx });
      while (active === STALE) {
        const caller = await c.get("renewCaller")();
        active = await findActiveDocument({ ...poll, ctx: { ...ctx, caller } });
      }
      if (active === null) throw new NotFoundError("Active document");
      setHeader(c, "ETag", active.etag);
      setHeader(c, "Cache-Control", "private, no-cache");
      if (active.isKnown) return c.body(null, 304);
      return c.body(active.json, 200, { "Content-Type": "application/json" });
    },
  });
}

function textRoute({ getTextSha256, getTextBytes }: DocumentRoutesDeps): Route {
  return defineRoute({
    method: "get",
    path: "/documents/:id",
    summary: "The exact bytes of a document version",
    description: "SHA-256 of the body is the version's `text_sha256`, and the ETag.",
    access: "public",
    params: idParam,
    answers: {
      200: { description: "UTF-8, as it was published", contentType: "text/plain; charset=utf-8" },
      304: { description: "It is the one that the ETag stands for" },
      404: { description: "There is no such version" },
    },
    handle: async (c) => {
      const id = namedVersion(c);
      const etag = `"${Buffer.from(await getTextSha256(id)).toString("hex")}"`;
      setHeader(c, "ETag", etag);
      setHeader(c, "Cache-Control", "public, max-age=31536000, immutable");
      if (matchesEtag(c.req.header("if-none-match"), etag)) return c.body(null, 304);
      return c.body(Buffer.from(await getTextBytes(id)), 200, {
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
      });
    },
  });
}

/** @throws {NotFoundError} for what no document can be called. */
function namedSlug(c: Context<AppEnv>): string {
  const named = c.req.param("slug") ?? "";
  if (!slug.safeParse(named).success) throw new NotFoundError("Document");
  return named;
}

/** @throws {NotFoundError} for what is no version's id. */
function namedVersion(c: Context<AppEnv>): string {
  const named = c.req.param("id") ?? "";
  if (!z.uuid().safeParse(named).success) throw new NotFoundError("Document version");
  return named.toLowerCase();
}

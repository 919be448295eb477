import { z } from "zod";
import { NotFoundError } from "../errors.ts";
import { defineRoute, EXAMPLE_ID, type Route } from "../http/route.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import { type CreateExportDeps, createExport } from "./createExport.ts";
import type { ExportFiles } from "./exportFiles.ts";
import { answerFile } from "./fileAnswer.ts";
import { type CompletedExport, getExport } from "./getExport.ts";
import { createdExportAnswer, createExportBody, type ExportType, exportAnswer } from "./wire.ts";

export type ExportRoutesDeps = CreateExportDeps & {
  verbContext: ReturnType<typeof createVerbContext>;
  files: ExportFiles;
  /** Hears of a file that is not where its row says. */
  onLostFile: (completed: CompletedExport) => void;
};

const EXAMPLE_BODY = {
  format: "csv",
  filters: { status: "anchored", from: "2026-01-01", to: "2026-12-31" },
};

/** Exports as files (HA-12). */
export function exportRoutes(deps: ExportRoutesDeps): Route[] {
  return [createRoute(deps, "hashes"), createRoute(deps, "receipts"), getRoute(deps)];
}

function createRoute(deps: ExportRoutesDeps, type: ExportType): Route {
  return defineRoute({
    method: "post",
    path: `/v1/export/${type}`,
    summary: `Export your own ${type} into a file`,
    description:
      "Ask for it under its id until the answer is the file. `from` and `to` are about the time of submission; a `to` without a time includes its day, in UTC.",
    access: { scope: "query", action: "export.create", resourceType: "export" },
    body: createExportBody,
    bodyExample: EXAMPLE_BODY,
    answers: {
      202: { description: "Begun", schema: createdExportAnswer },
      429: { description: "Over a limit: of the key, of exports under way, or of bytes that are kept" },
    },
    handle: async (c, { body }) =>
      c.json(await createExport(deps, { ctx: deps.verbContext(c), input: { ...body, type } }), 202),
  });
}

function getRoute(deps: ExportRoutesDeps): Route {
  return defineRoute({
    method: "get",
    path: "/v1/export/:id",
    summary: "An export's state, or its file",
    description:
      "The file has Content-Disposition, an answer about the state has not. A download can be resumed with Range and If-Range.",
    access: { scope: "query", action: "export.view", resourceType: "export" },
    params: { id: { schema: z.uuid(), description: "The export's id", example: EXAMPLE_ID } },
    answers: {
      200: {
        description: "The state while there is no file; else the file, CSV or JSON",
        schema: exportAnswer,
      },
      206: {
        description: "The range of the file that was asked for",
        contentType: "application/octet-stream",
      },
      404: { description: "You have no export under this id" },
      410: { description: "The file has expired: it is kept for 24 hours" },
      416: { description: "The range lies beyond the file" },
    },
    handle: async (c) => {
      const id = c.req.param("id") ?? "";
      if (!z.uuid().safeParse(id).success) throw new NotFoundError("Export");
      const row = await getExport({ ctx: deps.verbContext(c), input: { id } });
      const { state, type, format, totalRows, failure } = row;
      if (state === "completed")
        return answerFile(c.req, deps.files, row as CompletedExport, deps.onLostFile);
      const reason = failure === null ? {} : { error: failure };
      return c.json({ id, status: state, type, format, totalRows, ...reason });
    },
  });
}

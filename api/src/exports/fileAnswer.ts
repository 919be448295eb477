import { Readable } from "node:stream";
import type { HonoRequest } from "hono";
import { GoneError, RangeNotSatisfiableError } from "../errors.ts";
import { type ByteRange, byteRangeOf } from "./byteRange.ts";
import type { ExportFiles } from "./exportFiles.ts";
import type { CompletedExport } from "./getExport.ts";

const CONTENT_TYPES = { csv: "text/csv; charset=utf-8; header=present", json: "application/json" };

/**
 * The file, or the range of it that was asked for (RFC 9110 §14): a download that broke off goes on where it stopped.
 * @throws {GoneError} when the file is not there, or is not as it was written; {RangeNotSatisfiableError} 416.
 */
export async function answerFile(
  request: HonoRequest,
  files: ExportFiles,
  completed: CompletedExport,
  onLost: (completed: CompletedExport) => void,
): Promise<Response> {
  const file = await files.open(completed);
  const bytes = (await file?.stat())?.size;
  if (file === null || bytes !== completed.bytes) {
    await file?.close();
    onLost(completed);
    throw new GoneError("Export file is lost; start the export again");
  }
  const range = rangeOf(request, completed);
  if (range === "unsatisfiable" || request.method === "HEAD") {
    await file.close();
    if (range === "unsatisfiable") throw new RangeNotSatisfiableError(bytes);
    return new Response(null, { headers: headersOf(completed, null) });
  }
  const stream = file.createReadStream({ ...range, highWaterMark: 262_144 });
  return new Response(Readable.toWeb(stream) as ReadableStream, {
    status: range === null ? 200 : 206,
    headers: headersOf(completed, range),
  });
}

/** The range to answer with; null for the whole file. A Range counts only in a GET, and only for the file that If-Range names. */
function rangeOf(request: HonoRequest, completed: CompletedExport): ByteRange | "unsatisfiable" | null {
  if (request.method !== "GET") return null;
  const ifRange = request.header("if-range");
  const isSame =
    ifRange === undefined || ifRange === etagOf(completed) || ifRange === lastModifiedOf(completed);
  return isSame ? byteRangeOf(request.header("range"), completed.bytes) : null;
}

/** Strong: an attempt writes one file, once. */
const etagOf = ({ attempt }: CompletedExport) => `"${attempt}"`;
const lastModifiedOf = ({ completedAt }: CompletedExport) => completedAt.toUTCString();

function headersOf(completed: CompletedExport, range: ByteRange | null): Record<string, string> {
  const { id, type, format, bytes } = completed;
  return {
    "Content-Type": CONTENT_TYPES[format],
    "Content-Disposition": `attachment; filename="${type}-${id}.${format}"`,
    "Content-Length": String(range === null ? bytes : range.end - range.start + 1),
    ...(range === null ? {} : { "Content-Range": `bytes ${range.start}-${range.end}/${bytes}` }),
    "Accept-Ranges": "bytes",
    ETag: etagOf(completed),
    "Last-Modified": lastModifiedOf(completed),
    // It is one tenant's, and gone tomorrow.
    "Cache-Control": "private, no-store",
  };
}

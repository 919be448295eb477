import { isDatabaseUnavailable } from "../db/client.ts";

/** The tenant's files would take more than it may keep: another try would end the same way. */
export class TooLargeError extends Error {
  override name = "TooLargeError";
  constructor(bytesMax: number) {
    super(`The file would be larger than the ${bytesMax} bytes that are left of what a tenant may keep`);
  }
}

const NO_SPACE = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const NOT_WRITABLE = new Set(["EACCES", "EPERM", "EROFS", "ENOENT", "ENOTDIR", "EIO", "EMFILE", "ENFILE"]);

/** What the tenant reads about an export that was given up; the whole error is in the log. */
export function failureOf(error: unknown): string {
  if (error instanceof TooLargeError) return error.message;
  const code = String((error as { code?: unknown } | null)?.code);
  if (NO_SPACE.has(code)) return "There was no space left for the file";
  if (NOT_WRITABLE.has(code)) return "The file could not be written";
  if (isDatabaseUnavailable(error)) return "The database did not answer";
  if ((error as { name?: unknown } | null)?.name === "AbortError") return "It was interrupted several times";
  return "Internal error";
}

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";

/** Poppler reads PDFs independently of what wrote them. Nobody forgets to install it where all tests must run. */
export const skippedForPoppler =
  existsSync("/usr/bin/pdftotext") || process.env.CI === "true"
    ? null
    : "is NOT proved: /usr/bin/pdftotext is missing; install poppler-utils";

export type PopplerTool = "pdftotext" | "pdfinfo" | "pdfdetach" | "pdffonts" | "pdfsig";

/** What a poppler tool prints, complaints included. */
export function poppler(tool: PopplerTool, ...args: string[]): string {
  return execFileSync("sh", ["-c", 'exec "$0" "$@" 2>&1', `/usr/bin/${tool}`, ...args], { encoding: "utf8" });
}

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** QPDF rewrites PDFs as other programs do. Nobody forgets to install it where all tests must run. */
export const skippedForQpdf =
  existsSync("/usr/bin/qpdf") || process.env.CI === "true"
    ? null
    : "is NOT proved: /usr/bin/qpdf is missing; install qpdf";

/** The PDF as QPDF writes it with these options. */
export function savedByQpdf(pdf: Uint8Array, ...options: string[]): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "holdfast-qpdf-"));
  try {
    const [source, target] = [join(folder, "source.pdf"), join(folder, "target.pdf")];
    writeFileSync(source, pdf);
    execFileSync("/usr/bin/qpdf", [...options, source, target]);
    return readFileSync(target);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

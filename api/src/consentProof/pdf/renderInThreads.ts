import { availableParallelism } from "node:os";
import { Piscina } from "piscina";
import { UnavailableError } from "../../errors.ts";
import type { PdfSigner } from "./pdfSigner.ts";
import type { ProofPdfInput } from "./renderProofPdf.ts";

/** Documents that may wait; each takes some tens of milliseconds, with the longest signals a second or two. */
const QUEUE_MAX = 200;
/** In the queue and in a thread together; milliseconds. */
const RENDERED_WITHIN_MS = 30_000;
/** A thread holds the parsed fonts, about 30 MB; it ends when it was not needed for this long. Milliseconds. */
const IDLE_MS = 60_000;

export type RenderPdf = (input: ProofPdfInput) => Promise<Uint8Array>;

/**
 * Renders PDFs in threads of their own: none holds other requests up. The threads begin with the first document. With a signer each is signed
 * (in the thread pool, where RSA is).
 * @throws {UnavailableError} when too many wait.
 */
export function createPdfThreads(signer: PdfSigner | null): RenderPdf {
  let pool: Piscina<ProofPdfInput, Uint8Array> | null = null;
  return async (input) => {
    pool ??= new Piscina({
      filename: new URL("./renderThread.ts", import.meta.url).href,
      minThreads: 0,
      maxThreads: Math.max(1, availableParallelism() - 1),
      maxQueue: QUEUE_MAX,
      idleTimeout: IDLE_MS,
    });
    if (pool.queueSize >= QUEUE_MAX)
      throw new UnavailableError("Too many documents are asked for at once; try again");
    const pdf = await pool
      .run({ ...input, isToBeSigned: signer !== null }, { signal: AbortSignal.timeout(RENDERED_WITHIN_MS) })
      .catch((error: Error) => {
        if (error.name !== "AbortError") throw error;
        throw new UnavailableError("The document was not made in time; try again", error);
      });
    return signer === null ? pdf : signer.sign(pdf);
  };
}

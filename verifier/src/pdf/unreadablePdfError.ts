/** Why a PDF gives no receipt. The message is one or two sentences, and says what to do next. */
export class UnreadablePdfError extends Error {
  override name = "UnreadablePdfError";
}

/**
 * The error for a file that is not as ISO 32000-2 demands.
 * @param what a sentence without its full stop.
 */
export function damagedPdf(what: string, options?: ErrorOptions): UnreadablePdfError {
  return new UnreadablePdfError(`${what}. The PDF is damaged: get the whole file again.`, options);
}

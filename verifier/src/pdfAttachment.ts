/** What the verifier looks for in a proof PDF. */
const RECEIPT_FILE_NAME = "receipt.json";
/** A receipt with its disclosures takes kilobytes; whoever packed more wants to fill our memory. Bytes. */
const RECEIPT_BYTES_MAX = 1_048_576;

/** Why a PDF gives no receipt, in words. */
export class UnreadablePdfError extends Error {
  override name = "UnreadablePdfError";
}

export function isPdf(bytes: Uint8Array): boolean {
  return latin1(bytes.subarray(0, 5)) === "%PDF-";
}

/**
 * The embedded file `receipt.json` of a proof PDF (ISO 32000-2 §7.11.4). It reads what the issuer writes: objects in the open,
 * the file uncompressed or deflated. A copy that some program has rewritten otherwise is refused, and never read by halves.
 * @throws {UnreadablePdfError}
 */
export async function readReceiptAttachment(pdf: Uint8Array): Promise<Uint8Array> {
  const text = latin1(pdf);
  const references = new Set(fileReferences(text));
  if (references.size === 0)
    throw new UnreadablePdfError(`the PDF has no embedded ${RECEIPT_FILE_NAME} that can be read`);
  if (references.size > 1)
    throw new UnreadablePdfError(`the PDF has several files named ${RECEIPT_FILE_NAME}`);
  const [reference] = references;
  return streamOf(pdf, text, reference!);
}

/** References such as `61 0` to the files that are named receipt.json. */
function* fileReferences(text: string): Generator<string> {
  for (const [specification] of text.matchAll(/\/Type\s*\/Filespec\b[\s\S]{0,2000}?\bendobj\b/g)) {
    if (!specification.includes(`(${RECEIPT_FILE_NAME})`)) continue;
    const reference = /\/EF\s*<<\s*\/F\s+(\d+)\s+(\d+)\s+R/.exec(specification);
    if (reference) yield `${reference[1]} ${reference[2]}`;
  }
}

/** The data of a stream object; of an object that was written several times, the last one counts (§7.5.6). */
async function streamOf(pdf: Uint8Array, text: string, reference: string): Promise<Uint8Array> {
  const head = new RegExp(`(?:^|[\\r\\n])${reference} obj\\s*<<(.{0,2000}?)>>\\s*stream\\r?\\n`, "gs");
  const last = [...text.matchAll(head)].at(-1);
  const length = /\/Length\s+(\d+)(?!\s+\d+\s+R)/.exec(last?.[1] ?? "");
  if (!last || !length) throw new UnreadablePdfError(`the embedded ${RECEIPT_FILE_NAME} cannot be read`);
  const start = last.index + last[0].length;
  const data = pdf.subarray(start, start + Number(length[1]));
  const filter = /\/Filter\s*\[?\s*\/(\w+)/.exec(last[1]!)?.[1];
  if (filter === undefined && data.length <= RECEIPT_BYTES_MAX) return data;
  if (filter === "FlateDecode") return inflate(data);
  throw new UnreadablePdfError(`the embedded ${RECEIPT_FILE_NAME} cannot be read`);
}

async function inflate(data: Uint8Array): Promise<Uint8Array> {
  const stream = new Blob([data as BlobPart]).stream().pipeThrough(new DecompressionStream("deflate"));
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream as unknown as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength;
      if (bytes > RECEIPT_BYTES_MAX)
        throw new UnreadablePdfError(`the embedded ${RECEIPT_FILE_NAME} is too large`);
      chunks.push(chunk);
    }
  } catch (cause) {
    if (cause instanceof UnreadablePdfError) throw cause;
    throw new UnreadablePdfError(`the embedded ${RECEIPT_FILE_NAME} is damaged`, { cause });
  }
  return new Uint8Array(await new Blob(chunks as BlobPart[]).arrayBuffer());
}

/** One character a byte, so that positions in the text are positions in the file. */
function latin1(bytes: Uint8Array): string {
  return new TextDecoder("latin1").decode(bytes);
}

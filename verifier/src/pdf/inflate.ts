import { damagedPdf } from "./unreadablePdfError.ts";

/** Some browsers inflate a whole chunk before we can stop them. This much becomes 4 MiB at most. */
const CHUNK_BYTES = 4_096;

/**
 * Inflates zlib data (RFC 1950) and checks its checksum.
 * @param onBytes is called with the size of each piece before it is kept. An error that it throws
 * ends the work.
 * @throws {UnreadablePdfError}
 */
export async function inflate(data: Uint8Array, onBytes: (bytes: number) => void): Promise<Uint8Array> {
  const reader = chunksOf(data).pipeThrough(new DecompressionStream("deflate")).getReader();
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  try {
    for (;;) {
      const { done, value } = await next(reader);
      if (done) return new Uint8Array(await new Blob(pieces).arrayBuffer());
      onBytes(value.byteLength);
      pieces.push(value);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function next(reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>) {
  try {
    return await reader.read();
  } catch (cause) {
    throw damagedPdf("A part cannot be unpacked", { cause });
  }
}

function chunksOf(data: Uint8Array): ReadableStream<Uint8Array<ArrayBuffer>> {
  let position = 0;
  return new ReadableStream(
    {
      pull(controller) {
        if (position >= data.length) return controller.close();
        const end = position + CHUNK_BYTES;
        controller.enqueue(Uint8Array.from(data.subarray(position, end)));
        position = end;
      },
    },
    { highWaterMark: 0 },
  );
}

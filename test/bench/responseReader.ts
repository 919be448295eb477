const headEnd = "\r\n\r\n";

/** Finds where each HTTP/1.1 answer on a connection ends, and its status; the body is skipped, not decoded. */
export class ResponseReader {
  #pending: Buffer | null = null;

  /**
   * @param chunk the next bytes of the one answer that is under way.
   * @returns its status once it is complete, else null.
   * @throws {Error} when the answer has neither a Content-Length nor a chunked body: it cannot be told where it ends.
   */
  read(chunk: Buffer): number | null {
    const bytes = this.#pending ? Buffer.concat([this.#pending, chunk]) : chunk;
    this.#pending = bytes;
    const bodyStart = bytes.indexOf(headEnd) + headEnd.length;
    if (bodyStart < headEnd.length || !isComplete(bytes, bodyStart)) return null;
    this.#pending = null;
    return Number(bytes.toString("latin1", 9, 12));
  }
}

function isComplete(bytes: Buffer, bodyStart: number): boolean {
  const head = bytes.toString("latin1", 0, bodyStart).toLowerCase();
  const lengthAt = head.indexOf("\r\ncontent-length:");
  if (/^http\/1\.1 (204|304) /.test(head)) return true; // RFC 9112 §6.3: neither ever has a body
  if (lengthAt >= 0) return bytes.length >= bodyStart + Number.parseInt(head.slice(lengthAt + 17), 10);
  if (!head.includes("\r\ntransfer-encoding: chunked"))
    throw new Error(`An answer of unknown length: ${head}`);
  return isChunkedBodyComplete(bytes, bodyStart);
}

function isChunkedBodyComplete(bytes: Buffer, bodyStart: number): boolean {
  for (let at = bodyStart; ; ) {
    const sizeEnd = bytes.indexOf("\r\n", at);
    if (sizeEnd < 0) return false;
    const size = Number.parseInt(bytes.toString("latin1", at, sizeEnd), 16);
    at = sizeEnd + 2 + size + 2; // the last chunk, of size 0, has an empty line in place of its bytes
    if (size === 0) return bytes.length >= at;
  }
}

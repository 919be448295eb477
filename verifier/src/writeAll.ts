import { fsyncSync, writeSync } from "node:fs";

/** Pause before a reader that is slow is offered more; milliseconds. */
const PAUSE_MS = 5;

/**
 * Writes a text to a file descriptor and returns once the system has all of it. Node's own stdout does not promise that: into a file it
 * takes a short write for a whole one, as on a full disk, and into a pipe whose reader is slow it writes later than the process may end.
 * @throws when not all of it can be written.
 */
export function writeAll(fd: number, text: string): void {
  const bytes = new TextEncoder().encode(text);
  for (let written = 0; written < bytes.length; ) written += writeSome(fd, bytes.subarray(written));
  flush(fd);
}

function writeSome(fd: number, bytes: Uint8Array): number {
  let written = 0;
  try {
    written = writeSync(fd, bytes);
  } catch (error) {
    // A pipe that does not block and is full.
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
  }
  if (written === 0) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
  return written;
}

/** Some file systems tell only now that the disk is full. Pipes and terminals cannot be flushed, and need not be. */
function flush(fd: number): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EINVAL" && code !== "ENOTSUP" && code !== "EROFS" && code !== "EBADF") throw error;
  }
}

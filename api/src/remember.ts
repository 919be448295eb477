/** Calls `read` at most once per `staleAfterMs`; calls meanwhile share its answer. A failure is not remembered. */
export function remember<T>(
  read: () => Promise<T>,
  staleAfterMs: number,
  clock: () => Date,
): () => Promise<T> {
  let remembered: Promise<T> | null = null;
  let readAtMs = 0;
  return () => {
    const nowMs = clock().getTime();
    if (remembered !== null && nowMs - readAtMs < staleAfterMs) return remembered;
    const reading = read();
    remembered = reading;
    readAtMs = nowMs;
    reading.catch(() => {
      if (remembered === reading) remembered = null;
    });
    return reading;
  };
}

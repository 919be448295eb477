/**
 * Calls `read` at most once per `staleAfterMs`, and never while it is under way, however long that takes; calls meanwhile share its
 * answer. A failure is not remembered.
 */
export function remember<T>(
  read: () => Promise<T>,
  staleAfterMs: number,
  clock: () => Date,
): () => Promise<T> {
  let remembered: Promise<T> | null = null;
  let isUnderWay = false;
  let readAtMs = 0;
  return () => {
    const nowMs = clock().getTime();
    if (remembered !== null && (isUnderWay || nowMs - readAtMs < staleAfterMs)) return remembered;
    remembered = read();
    isUnderWay = true;
    readAtMs = nowMs;
    remembered.then(
      () => {
        isUnderWay = false;
      },
      () => {
        remembered = null;
      },
    );
    return remembered;
  };
}

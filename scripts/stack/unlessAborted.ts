/** The work's outcome, or the signal's reason as soon as it is aborted; the work is then left to itself. */
export async function unlessAborted<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  return Promise.race([work, aborted]).finally(() => signal.removeEventListener("abort", onAbort));
}

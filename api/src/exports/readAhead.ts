/** The same items, the next one asked for while the caller works on this one. */
export async function* readAhead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = source.next();
  try {
    while (true) {
      const { done, value } = await next;
      if (done) return;
      next = source.next();
      next.catch(() => {}); // thrown where it is awaited; until then it is not unhandled
      yield value;
    }
  } finally {
    await next.catch(() => {});
    await source.return(undefined);
  }
}

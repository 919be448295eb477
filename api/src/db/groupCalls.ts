/** A caller's item that waits for the next group. */
type Waiting<I, O> = { item: I; resolve: (output: O) => void; reject: (error: unknown) => void };

export type GroupOptions<I> = {
  /** A group is closed at this weight; a heavier single item still goes, alone. */
  weightMax: number;
  /** What an item counts; 1 by default. */
  weightOf?: (item: I) => number;
  /** Groups under way at once. */
  concurrencyMax: number;
};

/**
 * Lets calls that wait together share one round trip: while a group is under way new items gather, and the next group
 * takes them all. Nothing waits for a timer, so a lone call goes at once. Each caller gets its own answer.
 * `run` answers one output per item, in the items' order; when it rejects, every item of the group is rejected.
 */
export function groupCalls<I, O>(
  run: (items: I[]) => Promise<O[]>,
  options: GroupOptions<I>,
): (item: I) => Promise<O> {
  const { weightMax, concurrencyMax, weightOf = () => 1 } = options;
  let waiting: Waiting<I, O>[] = [];
  let running = 0;
  let scheduled = false;

  function takeGroup(): Waiting<I, O>[] {
    let weight = 0;
    let count = 0;
    while (count < waiting.length) {
      weight += weightOf(waiting[count]!.item);
      if (count > 0 && weight > weightMax) break;
      count++;
    }
    const group = waiting.slice(0, count);
    waiting = waiting.slice(count);
    return group;
  }

  async function runGroup(group: Waiting<I, O>[]): Promise<void> {
    try {
      const outputs = await run(group.map((call) => call.item));
      for (const [index, call] of group.entries()) call.resolve(outputs[index]!);
    } catch (error) {
      for (const call of group) call.reject(error);
    } finally {
      running--;
      schedule();
    }
  }

  function start(): void {
    scheduled = false;
    while (running < concurrencyMax && waiting.length > 0) {
      running++;
      void runGroup(takeGroup());
    }
  }

  // setImmediate runs after all requests that arrived in this turn of the event loop were read.
  function schedule(): void {
    if (scheduled || running >= concurrencyMax || waiting.length === 0) return;
    scheduled = true;
    setImmediate(start);
  }

  return (item) =>
    new Promise<O>((resolve, reject) => {
      waiting.push({ item, resolve, reject });
      schedule();
    });
}

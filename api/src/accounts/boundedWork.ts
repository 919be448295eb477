import { UnavailableError } from "../errors.ts";

export type BoundedWork = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Lets `atOnceMax` works run at once and `waitingMax` more wait for their turn.
 * @returns what runs a work. @throws {UnavailableError} 503 beyond both.
 */
export function boundWork({ atOnceMax, waitingMax }: { atOnceMax: number; waitingMax: number }): BoundedWork {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running < atOnceMax) running++;
    else if (waiting.length < waitingMax) await new Promise<void>((begin) => waiting.push(begin));
    else throw new UnavailableError("Too many logins at once; try again");
    try {
      return await work();
    } finally {
      // The next takes over this one's place.
      const begin = waiting.shift();
      if (begin === undefined) running--;
      else begin();
    }
  };
}

import { pause } from "./pause.ts";
import { RpcRefusedError } from "./rpcError.ts";

const PAUSES_MS = [100, 300, 900];

/**
 * Asks again, a few times, for what is not there yet. Behind one URL may stand many nodes, and the
 * one that answers may lag behind the one that named the block.
 */
export async function untilThere<T>(
  ask: () => Promise<T>,
  isThere: (answer: T) => boolean = () => true,
): Promise<T> {
  for (const pauseMs of PAUSES_MS) {
    try {
      const answer = await ask();
      if (isThere(answer)) return answer;
    } catch (error) {
      if (!(error instanceof RpcRefusedError && error.isNotThere)) throw error;
    }
    await pause(pauseMs);
  }
  return ask();
}

import { UnreadablePdfError } from "./unreadablePdfError.ts";

/** A proof PDF needs less than 1 MB of this, also after another program has saved it. Bytes. */
const WORK_BYTES_MAX = 33_554_432;
/** A look-up takes about as long as parsing this much. Bytes. */
const STEP_BYTES = 64;

/**
 * Bounds how much one PDF can make us parse, inflate and look up. A small file can ask for much: one
 * megabyte inflates to a thousand, objects can overlap, and trees can run in a circle.
 */
export class WorkBudget {
  #bytesLeft = WORK_BYTES_MAX;

  /** @throws {UnreadablePdfError} when nothing is left. */
  spend(bytes: number): void {
    this.#bytesLeft -= bytes;
    if (this.#bytesLeft < 0)
      throw new UnreadablePdfError(
        "The PDF takes far more work to read than a proof does: get it again from whoever issued it.",
      );
  }

  /** @throws {UnreadablePdfError} when nothing is left. */
  spendSteps(steps: number): void {
    this.spend(steps * STEP_BYTES);
  }
}

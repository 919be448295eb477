import type { Hex } from "#protocol/bytes.ts";
import type { AnchorReceipt } from "#protocol/receipt.ts";
import { call } from "#test/support/client.ts";

/** One answer of `GET /v1/verify/:hash`, or several equal ones in a row. `blockHash`: of the anchor that it says is true. */
export type Said = { verified: boolean; status: string; blockHash: Hex | null };

export type VerifyWatch = {
  /** What was said so far, without repetitions. */
  said(): readonly Said[];
  /** Statuses of `GET /v1/receipts/:hash`, without repetitions. */
  receiptStatuses(): readonly number[];
  stop(): Promise<void>;
};

/** Asks again and again, as fast as answers come, so that no state is missed that a client could have seen. */
export function watchVerify(stack: { apiUrl: string }, hash: Hex, parameters = ""): VerifyWatch {
  const said: Said[] = [];
  const receiptStatuses: number[] = [];
  let watching = true;
  const verify = async () => {
    const { body } = await call(stack.apiUrl, "GET", `/v1/verify/${hash}${parameters}`);
    const receipt = body.receipt as AnchorReceipt | null;
    const now = {
      verified: body.verified,
      status: body.status,
      blockHash: receipt?.anchor.blockHash ?? null,
    };
    if (JSON.stringify(now) !== JSON.stringify(said.at(-1))) said.push(now);
    const { status } = await call(stack.apiUrl, "GET", `/v1/receipts/${hash}`);
    if (status !== receiptStatuses.at(-1)) receiptStatuses.push(status);
  };
  const done = (async () => {
    while (watching) await verify();
  })();
  return {
    said: () => said,
    receiptStatuses: () => receiptStatuses,
    stop() {
      watching = false;
      return done;
    },
  };
}

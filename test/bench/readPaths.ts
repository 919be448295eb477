import { randomInt } from "node:crypto";
import { createTenant } from "./apiKeys.ts";
import { filledHash } from "./contentHashes.ts";
import { type Fill, fillAnchored } from "./fillAnchored.ts";
import { interleave, loadWithoutErrors } from "./measure.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";
import { type Baselines, startBaselines } from "./startBaselines.ts";

const seconds = 3;
const rounds = 5;
const readsBuilt = 20_000;

const paths = { verify: "/v1/verify/", receipts: "/v1/receipts/", select: "/select/" };
type Path = keyof typeof paths;

export type ReadPathsOptions = {
  startStack: StartStack;
  fill?: Fill;
  fewHashes?: number;
  manyHashes?: number;
};

/**
 * GET /v1/verify/:hash and /v1/receipts/:hash against a bare SELECT, with few and with many stored hashes. Both sizes run
 * at the same time, each in a stack of its own, so that they can be measured in turn.
 */
export async function run({
  startStack,
  fill = fillAnchored,
  fewHashes = 10_000,
  manyHashes = 5_000_000,
}: ReadPathsOptions): Promise<Row[]> {
  return withFilledStack(startStack, fill, manyHashes, (many) =>
    withFilledStack(startStack, fill, fewHashes, async (few) => {
      const rates = await interleave(rounds, {
        fewSelect: () => few("select"),
        fewVerify: () => few("verify"),
        manyVerify: () => many("verify"),
        manySelect: () => many("select"),
        manyReceipts: () => many("receipts"),
        fewReceipts: () => few("receipts"),
      });
      return [
        againstSelect("verify", fewHashes, rates.fewVerify, rates.fewSelect),
        againstSelect("verify", manyHashes, rates.manyVerify, rates.manySelect),
        againstSelect("receipts", fewHashes, rates.fewReceipts, rates.fewSelect),
        againstSelect("receipts", manyHashes, rates.manyReceipts, rates.manySelect),
        manyAgainstFew("verify", [fewHashes, manyHashes], rates.manyVerify, rates.fewVerify),
        manyAgainstFew("receipts", [fewHashes, manyHashes], rates.manyReceipts, rates.fewReceipts),
      ];
    }),
  );
}

type MeasureRate = (path: Path) => Promise<number>;

async function withFilledStack<T>(
  startStack: StartStack,
  fill: Fill,
  count: number,
  work: (rate: MeasureRate) => Promise<T>,
): Promise<T> {
  return withStack(startStack, async (stack) => {
    const { id } = await createTenant(stack, 0);
    await fill(stack, id, count);
    const baselines = await startBaselines(stack.databaseUrl);
    try {
      return await work((path) => readRate(stack, baselines, path, count));
    } finally {
      await baselines.stop();
    }
  });
}

/** Reads per second of stored hashes, each time others, so that no cache has seen most of many. */
async function readRate(stack: Stack, baselines: Baselines, path: Path, count: number): Promise<number> {
  const result = await loadWithoutErrors({
    url: path === "select" ? baselines.url : stack.apiUrl,
    seconds,
    distinct: readsBuilt,
    repeat: true,
    request: () => ({
      method: "GET",
      path: `${paths[path]}0x${filledHash(randomInt(count)).toString("hex")}`,
    }),
  });
  return result.requestsPerSecond;
}

function againstSelect(path: Path, count: number, measured: number, baseline: number): Row {
  return {
    name: `GET ${paths[path]}:hash at ${count.toLocaleString("en")} hashes, against a bare Hono route with one SELECT`,
    measured: perSecond(measured),
    baseline: perSecond(baseline),
    ratio: measured / baseline,
    promise: "≥ 0.5",
  };
}

function manyAgainstFew(path: Path, [few, many]: [number, number], measured: number, baseline: number): Row {
  return {
    name: `GET ${paths[path]}:hash at ${many.toLocaleString("en")} hashes, against ${few.toLocaleString("en")}`,
    measured: perSecond(measured),
    baseline: perSecond(baseline),
    ratio: measured / baseline,
    promise: "± 20 %",
  };
}

function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en")} requests/s`;
}

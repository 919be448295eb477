import { type LoadOptions, type LoadResult, load } from "./load.ts";

/**
 * Measures every variant once a round, in turn, so that drift of the machine hits all alike.
 * @returns each variant's median.
 */
export async function interleave<Name extends string>(
  rounds: number,
  variants: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number>> {
  const names = Object.keys(variants) as Name[];
  const measured = new Map<Name, number[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (const name of names) measured.get(name)!.push(await variants[name]());
  }
  return Object.fromEntries(names.map((name) => [name, median(measured.get(name)!)])) as Record<Name, number>;
}

/**
 * As load(), for figures that count only when everything went well.
 * @throws {Error} when any request failed or was answered with another status.
 */
export async function loadWithoutErrors(options: LoadOptions): Promise<LoadResult> {
  const result = await load(options);
  if (result.errors > 0)
    throw new Error(`${options.url}: failed requests: ${JSON.stringify(result.errorKinds)}`);
  if (result.requests === 0) throw new Error(`${options.url}: no request was answered`);
  return result;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = Math.floor(sorted.length / 2);
  const lower = Math.ceil(sorted.length / 2) - 1; // the same one for an odd count
  return (sorted[lower]! + sorted[upper]!) / 2;
}

import { type Check, type Finality, unchecked } from "./verification.ts";

/** What the caller wants beyond that nothing is false. */
export type Demands = {
  /** How final the block must be at the least. Default: `included`. */
  finality?: Finality | undefined;
  /** All pins that apply must be named, and the block must be final. */
  strict?: boolean | undefined;
};

const RANK: Record<Finality, number> = { included: 0, safe: 1, finalized: 2 };

/** The checks with what was demanded and is not there as `unchecked`. */
export function withDemands(
  checks: readonly Check[],
  finality: Finality | null,
  { finality: least = "included", strict = false }: Demands,
): Check[] {
  const wanted = strict ? "finalized" : least;
  return checks.map((check) => {
    if (strict && check.outcome === "notPinned") return unchecked(check.name, "pinMissing", check.claimed);
    const isTooEarly = finality !== null && RANK[finality] < RANK[wanted];
    if (check.name === "finality" && check.outcome === "passed" && isTooEarly)
      return unchecked("finality", "notFinalEnough", `${finality}, not ${wanted}`);
    return check;
  });
}

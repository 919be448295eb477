const NAME_LENGTH_MAX = 64;

/** A member's name as it may stand in an answer: bounded, and well-formed Unicode whatever the input was. */
export function nameForAnswer(name: string): string {
  return name.slice(0, NAME_LENGTH_MAX).toWellFormed();
}

/** `a.b`, `a[0]`, or `a` alone when nothing is below. */
export function joinPath(above: string, below: string | null): string {
  if (below === null) return above;
  return below.startsWith("[") || above === "" || below === "" ? `${above}${below}` : `${above}.${below}`;
}

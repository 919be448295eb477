/** The value of one sample in Prometheus' text format, by its name and labels in any order; null when there is none. */
export function metricValue(text: string, name: string, labels: Record<string, string> = {}): number | null {
  for (const line of text.split("\n")) {
    const [, found, inside = "", value] = /^([a-z_]+)(?:\{(.*)\})? (.+)$/.exec(line) ?? [];
    if (
      found === name &&
      Object.entries(labels).every(([key, label]) => inside.includes(`${key}="${label}"`))
    )
      return Number(value);
  }
  return null;
}

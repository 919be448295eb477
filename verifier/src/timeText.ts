/** ISO 8601 in UTC; a number that is no time stands as it is. @param seconds since 1970. */
export function timeText(seconds: number): string {
  const time = new Date(seconds * 1_000);
  return Number.isNaN(time.getTime()) ? `second ${seconds}` : time.toISOString();
}

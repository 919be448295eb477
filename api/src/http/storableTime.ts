import { z } from "zod";

/** A time of ISO 8601 with its offset, within the years that RFC 3339 and PostgreSQL write with four digits, in UTC. */
export const storableTime = (problem: string) =>
  z.iso
    .datetime({ offset: true, error: problem })
    .transform((text) => new Date(text))
    .refine(isStorable, problem);

/** The same, or a date, which stands for its beginning in UTC unless `read` takes it otherwise; what it is read as is bounded. */
export const storableDateOrTime = (problem: string, read = (text: string) => new Date(text)) =>
  z
    .union([z.iso.date(), z.iso.datetime({ offset: true })], problem)
    .transform(read)
    .refine(isStorable, problem);

function isStorable(at: Date): boolean {
  return at.getUTCFullYear() >= 1970 && at.getUTCFullYear() <= 9999;
}

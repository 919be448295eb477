import { z } from "zod";

/** A time of ISO 8601 with its offset, within the years that RFC 3339 and PostgreSQL write with four digits, in UTC. */
export const storableTime = (problem: string) =>
  z.iso
    .datetime({ offset: true, error: problem })
    .transform((text) => new Date(text))
    .refine((at) => at.getUTCFullYear() >= 1970 && at.getUTCFullYear() <= 9999, problem);

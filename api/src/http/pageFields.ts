import { z } from "zod";

/** A query parameter: how many to answer. */
export const limitUpTo = (max: 100 | 1_000, byDefault: string) =>
  z
    .string()
    .regex(
      max === 100 ? /^([1-9]\d?|100)$/ : /^([1-9]\d{0,2}|1000)$/,
      `must be a whole number from 1 to ${max}`,
    )
    .default(byDefault)
    .transform(Number);

/** A query parameter: how many to leave out before. */
export const offset = z
  .string()
  .regex(/^(0|[1-9]\d{0,8})$/, "must be a whole number from 0")
  .default("0")
  .transform(Number);

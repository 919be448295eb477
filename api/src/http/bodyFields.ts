import { z } from "zod";
import type { Json } from "#protocol/consentRecord.ts";

/** A text of 1 to `charactersMax` characters (UTF-16 code units). U+0000 is refused: PostgreSQL could not be asked for it. */
export const textOf = (charactersMax: number) =>
  z
    .string(`must be a text of 1 to ${charactersMax} characters`)
    .min(1, `must be a text of 1 to ${charactersMax} characters`)
    .max(charactersMax, `must be a text of 1 to ${charactersMax} characters`)
    .refine((value) => !value.includes("\0"), "must not contain U+0000");

/** Any object of at most `bytesMax` as JSON. Not z.record: it leaves out a member named __proto__, which is an ordinary one in JSON. */
export const objectOf = (bytesMax: number) =>
  z
    .unknown()
    .refine(
      (value) => typeof value === "object" && value !== null && !Array.isArray(value),
      "must be an object",
    )
    .transform((value) => value as { [name: string]: Json })
    .refine(
      (value) => Buffer.byteLength(JSON.stringify(value)) <= bytesMax,
      `must have at most ${bytesMax} bytes as JSON`,
    );

import { z } from "zod";
import type { ApiError } from "../errors.ts";

/** How a surface words what it refuses; the services that the surfaces come from differ in it. */
export type ErrorBody = {
  /** Its name among the description's schemas. */
  name: string;
  /** Of which paths. */
  covers: (path: string) => boolean;
  schema: z.ZodType;
  /** Of input that can be read and is not what the route takes. What cannot be read is a 400 everywhere. */
  invalidInputStatus: 400 | 422;
  of: (error: ApiError) => Record<string, unknown>;
};

/** HashAnchor's `{error}`, on a 429 also `message` (HA-20): of every path that no other surface covers. */
export const anchoringErrorBody: ErrorBody = {
  name: "Error",
  covers: () => true,
  schema: z.object({
    error: z.string(),
    message: z.string().optional().describe("On every 429: the same text"),
    member: z.string().optional().describe("On a 400 about one member: its path, such as hashes[2].hash"),
    requestId: z.string().optional().describe("On a 500"),
  }),
  invalidInputStatus: 400,
  of: ({ status, message, members, details }) => ({
    error: message,
    ...(status === 429 ? { message } : {}),
    ...(members[0]?.member ? { member: members[0].member } : {}),
    ...details,
  }),
};

/** The first of `bodies` that covers the path. */
export function errorBodyOf(bodies: readonly ErrorBody[], path: string): ErrorBody {
  return bodies.find(({ covers }) => covers(path)) ?? anchoringErrorBody;
}

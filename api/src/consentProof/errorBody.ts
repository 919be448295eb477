import { z } from "zod";
import { UnauthorizedError } from "../errors.ts";
import type { ErrorBody } from "../http/errorBody.ts";

/** OptSens's `{error}`: every bad key is the same 401 (OS-1), an invalid field a 422 (OS-6). */
export const consentProofErrorBody: ErrorBody = {
  name: "ConsentProofError",
  covers: (path) => /^\/(api\/v1|receipt\/ct_)/.test(path),
  schema: z.object({
    error: z.string(),
    member: z.string().optional().describe("On a 422 about one member: its path"),
    requestId: z.string().optional().describe("On a 500"),
  }),
  invalidInputStatus: 422,
  of: (error) => ({
    error: error instanceof UnauthorizedError ? "Invalid API key" : error.message,
    ...(error.members[0]?.member ? { member: error.members[0].member } : {}),
    ...error.details,
  }),
};

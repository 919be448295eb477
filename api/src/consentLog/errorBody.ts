import { z } from "zod";
import type { ApiError } from "../errors.ts";
import type { ErrorBody } from "../http/errorBody.ts";

/** HashEntry's `{message, errors?}` (HE-10), of the consent log and of the documents that it refers to. */
export const consentLogErrorBody: ErrorBody = {
  name: "ConsentLogError",
  covers: (path) => /^\/(tool\/v1|v1\/documents|documents)(\/|$)/.test(path),
  schema: z.object({
    message: z.string(),
    errors: z.record(z.string(), z.array(z.string())).optional().describe("Texts by member"),
    requestId: z.string().optional().describe("On a 500"),
  }),
  invalidInputStatus: 422,
  of: (error) => ({ message: messageOf(error), ...errorsOf(error), ...error.details }),
};

/** Whatever is wrong with a key is the same 401 (HE-3): it tells nothing about keys that exist. */
function messageOf({ status, message }: ApiError): string {
  return status === 401 ? "Unauthenticated" : message;
}

function errorsOf({ members }: ApiError): { errors?: Record<string, string[]> } {
  if (members.length === 0) return {};
  const errors = members.map(({ member, problem }) => [member === "" ? "body" : member, [problem]]);
  return { errors: Object.fromEntries(errors) };
}

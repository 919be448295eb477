import { z } from "zod";
import { type ApiError, type MemberProblem, RequestSignatureError, UnauthorizedError } from "../errors.ts";
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
function messageOf(error: ApiError): string {
  const isAboutKey = error instanceof UnauthorizedError && !(error instanceof RequestSignatureError);
  return isAboutKey ? "Unauthenticated" : error.message;
}

function errorsOf({ members }: ApiError): { errors?: Record<string, string[]> } {
  return members.length === 0 ? {} : { errors: errorsByMember(members) };
}

/** Texts by member; what is wrong with the value as a whole stands under `body`. */
export function errorsByMember(members: readonly MemberProblem[]): Record<string, string[]> {
  return Object.fromEntries(
    members.map(({ member, problem }) => [member === "" ? "body" : member, [problem]]),
  );
}

import { z } from "zod";
import { errorsByMember } from "../consentLog/errorBody.ts";
import { type ApiError, UnauthorizedError } from "../errors.ts";
import { InvalidHmacError, MissingHmacError } from "../http/checkHmac.ts";
import type { ErrorBody } from "../http/errorBody.ts";
import { GateError } from "./gateError.ts";

const CODES: Record<number, string> = {
  400: "BAD_REQUEST",
  403: "FORBIDDEN",
  404: "NOT_FOUND",
  409: "CONFLICT",
  413: "PAYLOAD_TOO_LARGE",
  429: "TOO_MANY_REQUESTS",
  503: "UNAVAILABLE",
};

/** ProofAge's `{error:{code,message}}` (PA-10). */
export const consentGateErrorBody: ErrorBody = {
  name: "ConsentGateError",
  covers: (path) => /^\/v1\/(consent|verifications)(\/|$)/.test(path),
  schema: z.object({
    error: z.object({
      code: z.string().describe("A word such as CONSENT_REQUIRED"),
      message: z.string(),
      errors: z.record(z.string(), z.array(z.string())).optional().describe("On a 422: texts by field"),
    }),
    requestId: z.string().optional().describe("On a 500"),
  }),
  invalidInputStatus: 422,
  of: (error) => ({
    error: { code: codeOf(error), message: error.message, ...errorsOf(error), ...error.details },
  }),
};

function codeOf(error: ApiError): string {
  if (error instanceof GateError) return error.code;
  if (error instanceof MissingHmacError) return "MISSING_SIGNATURE";
  if (error instanceof InvalidHmacError) return "INVALID_SIGNATURE";
  if (error instanceof UnauthorizedError)
    return error.message.startsWith("Missing") ? "MISSING_API_KEY" : "INVALID_API_KEY";
  if (error.name === "InvalidInputError") return "VALIDATION_ERROR";
  if (error.name === "FileTooLargeError") return "FILE_TOO_LARGE";
  return CODES[error.status] ?? "INTERNAL_ERROR";
}

function errorsOf({ name, members }: ApiError): { errors?: Record<string, string[]> } {
  if (name !== "InvalidInputError") return {};
  return { errors: errorsByMember(members) };
}

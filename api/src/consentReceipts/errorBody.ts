import { z } from "zod";
import type { ErrorBody } from "../http/errorBody.ts";
import { oauthErrorAnswer } from "./wire.ts";

const WORDS: Record<number, string> = {
  400: "bad_request",
  401: "unauthorized",
  403: "forbidden",
  404: "not_found",
  409: "conflict",
  413: "payload_too_large",
  422: "invalid_parameter",
  429: "too_many_requests",
  503: "unavailable",
};

/** Signatu's `{error,message}` (SG-12): a word for programs and a sentence for people, which names the parameter. */
export const consentReceiptsErrorBody: ErrorBody = {
  name: "ConsentReceiptsError",
  covers: (path) => path.startsWith("/consent/v0"),
  schema: z.object({
    error: z.string().describe("A word such as invalid_parameter"),
    message: z.string(),
    parameter: z.string().optional().describe("On a 422 about one parameter"),
    requestId: z.string().optional().describe("On a 500"),
  }),
  invalidInputStatus: 422,
  of: (error) => ({
    error:
      error.name === "InvalidInputError" ? "invalid_parameter" : (WORDS[error.status] ?? "internal_error"),
    message: error.message,
    ...(error.members[0]?.member ? { parameter: error.members[0].member } : {}),
    ...error.details,
  }),
};

const OAUTH_WORDS: Record<number, string> = { 401: "invalid_client", 503: "temporarily_unavailable" };

/** Of the token's route, whatever goes wrong there (RFC 6749 §5.2). */
export const oauthErrorBody: ErrorBody = {
  name: "OauthError",
  covers: (path) => path === "/oauth/token",
  schema: oauthErrorAnswer,
  invalidInputStatus: 400,
  of: ({ status, message }) => ({
    error: OAUTH_WORDS[status] ?? (status < 500 ? "invalid_request" : "server_error"),
    error_description: message,
  }),
};

/**
 * What a caller did wrong or must wait for. The HTTP layer turns it into the surface's own error body; verbs know only its kind.
 * `message` is shown to the caller.
 */
export class ApiError extends Error {
  override name = "ApiError";
  readonly status: number;
  readonly headers: Record<string, string>;
  /** Further members of the error body, for people. */
  readonly details: Record<string, unknown>;
  /** What is wrong with which member of the input, by its path, such as `hashes[2].hash`. */
  readonly members: readonly MemberProblem[];
  constructor(
    status: number,
    message: string,
    options: {
      headers?: Record<string, string>;
      details?: Record<string, unknown>;
      members?: readonly MemberProblem[];
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: options.cause });
    this.status = status;
    this.headers = options.headers ?? {};
    this.details = options.details ?? {};
    this.members = options.members ?? [];
  }
}

export type MemberProblem = { member: string; problem: string };

/** What was sent cannot be read: 400 on every surface. */
export class UnreadableInputError extends ApiError {
  override name = "UnreadableInputError";
  constructor(message: string, members: readonly MemberProblem[] = []) {
    super(400, message, { members });
  }
}

/** What was sent can be read and is not what the route takes: 400, on some surfaces 422 (see http/errorBody.ts). */
export class InvalidInputError extends ApiError {
  override name = "InvalidInputError";
  /** @param about one member, whose problem is the message, or each with its own. */
  constructor(message: string, about: { member: string } | readonly MemberProblem[] = []) {
    super(400, message, { members: "member" in about ? [{ ...about, problem: message }] : about });
  }
}

export class UnauthorizedError extends ApiError {
  override name = "UnauthorizedError";
  constructor(message: string) {
    super(401, message, { headers: { "WWW-Authenticate": "Bearer" } });
  }
}

/** HE-9. The same whatever is wrong with a signature, its time stamp or its nonce. */
export class RequestSignatureError extends UnauthorizedError {
  override name = "RequestSignatureError";
  constructor() {
    super("Invalid request signature");
  }
}

export class ForbiddenError extends ApiError {
  override name = "ForbiddenError";
  constructor(message: string) {
    super(403, message);
  }
}

export class ConflictError extends ApiError {
  override name = "ConflictError";
  constructor(message: string, members: readonly MemberProblem[] = []) {
    super(409, message, { members });
  }
}

/** Also for another tenant's thing: what is not yours does not exist. */
export class NotFoundError extends ApiError {
  override name = "NotFoundError";
  constructor(what: string) {
    super(404, `${what} not found`);
  }
}

/** No route has this path and method. */
export class NoSuchRouteError extends ApiError {
  override name = "NoSuchRouteError";
  constructor() {
    super(404, "Not found");
  }
}

/** It was there, and is not any more. */
export class GoneError extends ApiError {
  override name = "GoneError";
  constructor(message: string) {
    super(410, message);
  }
}

export class PayloadTooLargeError extends ApiError {
  override name = "PayloadTooLargeError";
  constructor(bytesMax: number) {
    // No `Connection: close`: it would end the connection while the client still sends, and a reset can overtake this answer.
    // The server reads on for a moment, then closes what has not ended.
    super(413, `Request body is larger than ${bytesMax} bytes`);
  }
}

/** RFC 9110 §15.5.17. */
export class RangeNotSatisfiableError extends ApiError {
  override name = "RangeNotSatisfiableError";
  constructor(bytes: number) {
    super(416, `The file has ${bytes} bytes`, { headers: { "Content-Range": `bytes */${bytes}` } });
  }
}

export class RateLimitedError extends ApiError {
  override name = "RateLimitedError";
  /** @param quota of a submission by a tenant with a plan. */
  constructor(retryAfterSeconds: number, quota: { limit: number; used: number } | null = null) {
    const headers = { "Retry-After": String(retryAfterSeconds), ...(quota && quotaHeaders(quota)) };
    super(429, "Rate limit exceeded", { headers });
  }
}

/** So many at once, or kept at once; the caller may ask again when some have ended. */
export class TooManyError extends ApiError {
  override name = "TooManyError";
  constructor(message: string, retryAfterSeconds: number) {
    super(429, message, { headers: { "Retry-After": String(retryAfterSeconds) } });
  }
}

/** HashAnchor's text (HA-14). */
export class QuotaExceededError extends ApiError {
  override name = "QuotaExceededError";
  constructor(quota: { limit: number; used: number }) {
    super(429, `Monthly hash limit reached (${quota.limit}). Upgrade your plan for higher limits.`, {
      headers: quotaHeaders(quota),
    });
  }
}

/** Of every answer to a submission by a tenant with a plan. */
export function quotaHeaders({ limit, used }: { limit: number; used: number }): Record<string, string> {
  return {
    "X-Quota-Limit": String(limit),
    "X-Quota-Used": String(used),
    "X-Quota-Remaining": String(Math.max(0, limit - used)),
  };
}

/** Something that we lean on is away; the caller may send the same request again. */
export class UnavailableError extends ApiError {
  override name = "UnavailableError";
  constructor(message: string, cause?: unknown) {
    super(503, message, { headers: { "Retry-After": "1" }, cause });
  }
}

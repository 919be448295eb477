import { ApiError } from "../errors.ts";

/** HE-8: the idempotency key stands for another request. */
export class IdempotencyConflictError extends ApiError {
  override name = "IdempotencyConflictError";
  constructor() {
    super(409, "Idempotency-Key was used for another request");
  }
}

/** Protocol §7: what is held must not be erased. `reason`: of the hold. */
export class LegalHoldError extends ApiError {
  override name = "LegalHoldError";
  readonly reason: string;
  constructor(reason: string) {
    super(409, "Under legal hold", { details: { reason } });
    this.reason = reason;
  }
}

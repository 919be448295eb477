import { ApiError } from "../errors.ts";

/** What the gate refuses by the source's own words (PA-5, PA-6, PA-10). */
const REFUSALS = {
  CONSENT_REQUIRED: [403, "The consent text must be accepted first"],
  CONSENT_VERSION_INACTIVE: [409, "This consent version is not the active one; fetch it again and show it"],
  CONSENT_SHA256_MISMATCH: [409, "text_sha256 is not that of the consent version"],
  VERIFICATION_SUBMITTED: [409, "The verification was submitted; it takes no more media"],
  VERIFICATION_ERASED: [409, "The person of this verification was erased"],
  TOO_MANY_MEDIA: [409, "The verification has as many media as it takes"],
  INVALID_FILE_TYPE: [422, "The file is not an image: JPEG, PNG, WebP, HEIC, AVIF, GIF, BMP or TIFF"],
  MISSING_REQUIRED_MEDIA: [422, "A selfie or liveness_selfie is missing"],
} as const satisfies Record<string, [number, string]>;

export type Refusal = keyof typeof REFUSALS;

export class GateError extends ApiError {
  override name = "GateError";
  readonly code: Refusal;
  constructor(code: Refusal) {
    super(...(REFUSALS[code] as [number, string]));
    this.code = code;
  }
}

import { z } from "zod";
import { DEVICE_ALGORITHMS } from "#protocol/deviceSignature.ts";
import { chainId, contentHash, hex32, metadata, status, time } from "../anchoring/wire.ts";
import { limitUpTo, offset } from "../http/pageFields.ts";

const HEX = /^(0x)?([0-9a-fA-F]{2})+$/;
const KEY_HEX_CHARACTERS_MAX = 2 + 2 * 65;
const DEVICE_ID_CHARACTERS = "must have 1 to 255 characters";
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const CONTROL_CHARACTERS = /[\u0000-\u001f\u007f-\u009f]/;

/** The tenant's own name for a device, which paths carry percent-encoded; no URL can carry a part that is dots alone. */
export const deviceId = z
  .string("must be a text")
  .min(1, DEVICE_ID_CHARACTERS)
  .max(255, DEVICE_ID_CHARACTERS)
  .refine((text) => !CONTROL_CHARACTERS.test(text), "must not contain control characters")
  .refine((text) => text !== "." && text !== "..", "must not be . or ..");

const publicKey = z
  .string("must be hex")
  .max(KEY_HEX_CHARACTERS_MAX, `must have at most ${KEY_HEX_CHARACTERS_MAX} characters`)
  .regex(HEX, "must be hex, with or without 0x")
  .transform(hexBytes);

const algorithm = z.enum(DEVICE_ALGORITHMS, `must be ${DEVICE_ALGORITHMS.join(" or ")}`);

export const registerDeviceBody = z.object(
  { deviceId, publicKey, algorithm: algorithm.default("ed25519"), metadata: metadata.nullish() },
  "must be an object",
);
export type RegisterDeviceInput = z.output<typeof registerDeviceBody>;

/** Without `algorithm` the device keeps its own. */
export const rotateKeyBody = z.object({ publicKey, algorithm: algorithm.optional() }, "must be an object");
export type RotateKeyInput = z.output<typeof rotateKeyBody>;

/** A signature that is no hex has the wrong length: whatever is wrong with it is answered alike. */
export const submitSignedBody = z.object(
  {
    deviceId,
    hash: contentHash,
    signature: z
      .string("must be hex of 64 bytes")
      .transform((text) => (HEX.test(text) ? hexBytes(text) : Buffer.alloc(0))),
    metadata: metadata.nullish(),
    chainId: chainId.optional(),
  },
  "must be an object",
);
export type SubmitSignedInput = z.output<typeof submitSignedBody>;

function hexBytes(text: string): Buffer {
  return Buffer.from(text.replace(/^0x/, ""), "hex");
}

/** `?limit=50&offset=0`. */
export const historyQuery = z.object({ limit: limitUpTo(100, "50"), offset });
/** `?limit=1000&offset=0`: all there are, for most tenants. */
export const deviceListQuery = z.object({ limit: limitUpTo(1_000, "1000"), offset });
export type WindowInput = z.output<typeof historyQuery>;

const keyHex = z.string().describe("Hex without 0x, compressed where the curve has it so");

export const registeredDeviceAnswer = z.object({
  id: z.uuid(),
  deviceId: z.string(),
  algorithm,
  status: z.enum(["active", "revoked"]),
  publicKey: keyHex,
});

export const signedSubmissionAnswer = z.object({
  status: z.enum(["accepted", "duplicate"]),
  id: z.uuid(),
  hash: hex32,
  signatureVerified: z.literal(true),
});

const paginationAnswer = z.object({ limit: z.int(), offset: z.int(), total: z.int() });
const metadataAnswer = z.record(z.string(), z.unknown()).nullable();

export const deviceListAnswer = z.object({
  data: z.array(
    registeredDeviceAnswer.extend({
      metadata: metadataAnswer,
      submissions: z.int().describe("Hashes that it has signed"),
      lastSubmittedAt: time.nullable(),
      createdAt: time,
      revokedAt: time.nullable(),
    }),
  ),
  pagination: paginationAnswer,
});

export const deviceHistoryAnswer = z.object({
  data: z.array(
    z.object({
      id: z.uuid().describe("Of the submission"),
      hash: hex32,
      status,
      signature: z.string().describe("Hex without 0x"),
      algorithm,
      publicKey: keyHex,
      metadata: metadataAnswer,
      createdAt: time,
    }),
  ),
  pagination: paginationAnswer,
});

export const deviceKeysAnswer = registeredDeviceAnswer.extend({
  keys: z.array(
    z.object({
      algorithm,
      publicKey: keyHex,
      validFrom: time,
      validUntil: time.nullable().describe("Null while the device signs with it"),
    }),
  ),
});

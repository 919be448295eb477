import type { DeviceSignatureProblem } from "#protocol/deviceSignature.ts";
import type { Caller } from "../accounts/scope.ts";
import type { SignedBy } from "../anchoring/signedSubmissions.ts";
import type { Submission, SubmitHashes } from "../anchoring/submitHashes.ts";
import { ApiError, ForbiddenError, NotFoundError } from "../errors.ts";
import type { VerbArgs } from "../verb.ts";
import { checkSignature } from "./checkSignature.ts";
import type { FindDevice } from "./findDevice.ts";
import type { SubmitSignedInput } from "./wire.ts";

export type SubmitSignedDeps = {
  findDevice: FindDevice;
  submitHashes: (input: SubmitHashes) => Promise<Submission>;
};

/** `chainId`: of a chain that there is. */
type Input = Omit<SubmitSignedInput, "chainId"> & { chainId: number };

const PROBLEMS: Record<DeviceSignatureProblem, string> = {
  length: "must be 64 bytes in hex",
  range: "r or s is out of range",
  highS: "s must be the low one",
  mismatch: "does not match the device's key and the hash",
};

/**
 * Accepts a hash that a device of the tenant has signed (HA-19). The signature is checked first, and the statement that stores
 * holds it to the key: when the device was revoked meanwhile, or has another key, it is looked at anew.
 * @throws {NotFoundError} for a device that the tenant has not; {ForbiddenError} for a revoked one; {ApiError} with
 * `signatureVerified: false`.
 */
export async function submitSigned(
  deps: SubmitSignedDeps,
  { ctx, input, renewCaller }: VerbArgs<Input> & { renewCaller: () => Promise<Caller> },
): Promise<Submission> {
  const { hash: contentHash, metadata = null, chainId } = input;
  const findSigner = () => getSigner(deps.findDevice, ctx.caller.tenantId, input);
  return deps.submitHashes({
    ctx,
    renewCaller,
    chainId,
    hashes: [{ contentHash, externalId: null, metadata }],
    signer: { signedBy: await findSigner(), renew: findSigner },
  });
}

async function getSigner(findDevice: FindDevice, tenantId: string, input: Input): Promise<SignedBy> {
  const device = await findDevice({ tenantId, name: input.deviceId });
  if (device === null) throw new NotFoundError("Device");
  if (device.revoked_at !== null) throw new ForbiddenError("Device revoked");
  const { signature } = input;
  const key = { algorithm: device.algorithm, publicKey: device.public_key };
  const problem = await checkSignature(key, Buffer.from(input.hash.slice(2), "hex"), signature);
  if (problem !== null)
    throw new ApiError(400, `Invalid signature: ${PROBLEMS[problem]}`, {
      members: [{ member: "signature", problem: PROBLEMS[problem] }],
      details: { signatureVerified: false },
    });
  return { deviceId: device.id, keyId: device.key_id, signature };
}

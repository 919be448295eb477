import type { Context } from "hono";
import type { ReadOwnStatuses } from "../anchoring/ownStatuses.ts";
import type { Submission, SubmitHashes } from "../anchoring/submitHashes.ts";
import type { ChainDirectory } from "../chain/chainDirectory.ts";
import { NotFoundError } from "../errors.ts";
import type { AppEnv } from "../http/context.ts";
import { type Access, defineRoute, type Route } from "../http/route.ts";
import { setQuotaHeaders } from "../http/setQuotaHeaders.ts";
import type { createVerbContext } from "../http/verbContext.ts";
import type { FindDevice } from "./findDevice.ts";
import { listDeviceKeys } from "./listDeviceKeys.ts";
import { listDeviceSubmissions } from "./listDeviceSubmissions.ts";
import { listDevices } from "./listDevices.ts";
import { registerDevice } from "./registerDevice.ts";
import { revokeDevice } from "./revokeDevice.ts";
import { rotateDeviceKey } from "./rotateDeviceKey.ts";
import { submitSigned } from "./submitSigned.ts";
import {
  deviceHistoryAnswer,
  deviceId,
  deviceKeysAnswer,
  deviceListAnswer,
  deviceListQuery,
  historyQuery,
  registerDeviceBody,
  registeredDeviceAnswer,
  rotateKeyBody,
  signedSubmissionAnswer,
  submitSignedBody,
} from "./wire.ts";

export type DeviceRoutesDeps = {
  verbContext: ReturnType<typeof createVerbContext>;
  chains: ChainDirectory;
  findDevice: FindDevice;
  submitHashes: (input: SubmitHashes) => Promise<Submission>;
  readOwnStatuses: ReadOwnStatuses;
};

const submit = (action: `device.${string}`): Access => ({ scope: "submit", action, resourceType: "device" });
const NO_DEVICE = { description: "The tenant has no such device" };
const IS_REVOKED = {
  description: "The device is revoked; or the key's scope is missing, or its tenant suspended",
};
const deviceParams = {
  deviceId: { schema: deviceId, description: "The tenant's name for the device", example: "sensor-001" },
};

// The key pair of RFC 8032 §7.1, TEST 3, and TEST 1's key to follow it; the hash is SHA-256 of "test".
const EXAMPLE_KEY = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";
const EXAMPLE_NEXT_KEY = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const SIGNED_EXAMPLE = {
  deviceId: "sensor-001",
  hash: "0x9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
  signature:
    "92744150054f9c8c7a65671e8735be401fbb3d1c0edb984d635a1c69927df7d9a5679f3bec9bb19f9b6d73ebe59a1ee4def32839c64d41e62df134cc2ad07a09",
  metadata: { sensorType: "temperature", value: 23.5 },
};

/** HashAnchor's devices (HA-19): they sign what they submit, and what they signed stays provable. */
export function deviceRoutes(deps: DeviceRoutesDeps): Route[] {
  return [...submittingRoutes(deps), ...readingRoutes(deps), ...keyRoutes(deps)];
}

function submittingRoutes({ verbContext, chains, ...deps }: DeviceRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "post",
      path: "/v1/device/register",
      summary: "Register a device",
      access: submit("device.register"),
      body: registerDeviceBody,
      bodyExample: { deviceId: "sensor-001", publicKey: EXAMPLE_KEY, metadata: { location: "factory-A" } },
      answers: {
        201: { description: "Registered", schema: registeredDeviceAnswer },
        409: { description: "The tenant has a device of this deviceId, active or revoked" },
      },
      handle: async (c, { body }) => {
        c.get("call").resourceId = body.deviceId;
        return c.json(await registerDevice({ ctx: verbContext(c), input: body }), 201);
      },
    }),
    defineRoute({
      method: "post",
      path: "/v1/device/submit-signed",
      summary: "Submit a hash that a device has signed",
      description:
        "The signature is over the 32 bytes of the hash, which are not hashed again: Ed25519 (strict RFC 8032), or ECDSA over secp256k1 as r and s with a low s.",
      access: {
        scope: "submit",
        checked: "inStatement",
        action: "device.submit_signed",
        resourceType: "hash",
        countsToQuota: true,
      },
      body: submitSignedBody,
      bodyExample: SIGNED_EXAMPLE,
      answers: {
        202: { description: "Accepted and committed, with the signature", schema: signedSubmissionAnswer },
        200: { description: "Submitted before by this tenant", schema: signedSubmissionAnswer },
        403: IS_REVOKED,
        404: NO_DEVICE,
      },
      handle: async (c, { body }) => {
        c.get("call").resourceId = body.hash;
        const { chainId } = await chains.forSubmission(body.chainId);
        const { results, quota } = await submitSigned(deps, {
          ctx: verbContext(c),
          input: { ...body, chainId },
          renewCaller: c.get("renewCaller"),
        });
        const { status, id } = results[0]!;
        setQuotaHeaders(c, quota);
        const answer = { status, id, hash: body.hash, signatureVerified: true };
        return c.json(answer, status === "accepted" ? 202 : 200);
      },
    }),
  ];
}

function readingRoutes({ verbContext, ...deps }: DeviceRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/v1/device/list",
      summary: "Your devices",
      access: submit("device.list"),
      query: deviceListQuery,
      answers: { 200: { description: "In the order of registration", schema: deviceListAnswer } },
      handle: async (c, { query }) => c.json(await listDevices({ ctx: verbContext(c), input: query })),
    }),
    defineRoute({
      method: "get",
      path: "/v1/device/:deviceId/history",
      summary: "What a device has signed",
      description: "Each hash once, with the device's first signature of it.",
      access: submit("device.history"),
      params: deviceParams,
      query: historyQuery,
      answers: {
        200: { description: "One page, the newest first", schema: deviceHistoryAnswer },
        404: NO_DEVICE,
      },
      handle: async (c, { query }) => {
        const input = { ...query, name: nameOf(c) };
        return c.json(await listDeviceSubmissions(deps, { ctx: verbContext(c), input }));
      },
    }),
  ];
}

function keyRoutes({ verbContext, findDevice }: DeviceRoutesDeps): Route[] {
  return [
    defineRoute({
      method: "get",
      path: "/v1/device/:deviceId/key",
      summary: "A device's keys, each with its validity",
      access: submit("device.keys"),
      params: deviceParams,
      answers: {
        200: { description: "The newest first", schema: deviceKeysAnswer },
        404: NO_DEVICE,
      },
      handle: async (c) =>
        c.json(await listDeviceKeys(findDevice, { ctx: verbContext(c), input: { name: nameOf(c) } })),
    }),
    defineRoute({
      method: "put",
      path: "/v1/device/:deviceId/key",
      summary: "Give a device another key",
      description: "Signatures by the key before are refused from then on; what was accepted stays.",
      access: submit("device.rotate_key"),
      params: deviceParams,
      body: rotateKeyBody,
      bodyExample: { publicKey: EXAMPLE_NEXT_KEY },
      answers: {
        200: { description: "It signs with this key now", schema: registeredDeviceAnswer },
        403: IS_REVOKED,
        404: NO_DEVICE,
        409: { description: "The device gave this key up before" },
      },
      handle: async (c, { body }) => {
        const input = { ...body, name: nameOf(c) };
        return c.json(await rotateDeviceKey({ ctx: verbContext(c), input }));
      },
    }),
    defineRoute({
      method: "delete",
      path: "/v1/device/:deviceId",
      summary: "Revoke a device",
      description: "For good: its deviceId stays taken, and what it signed stays.",
      access: submit("device.revoke"),
      params: deviceParams,
      answers: { 204: { description: "Revoked, now or before" }, 404: NO_DEVICE },
      handle: async (c) => {
        await revokeDevice({ ctx: verbContext(c), input: { name: nameOf(c) } });
        return c.body(null, 204);
      },
    }),
  ];
}

/** @throws {NotFoundError} for what no device can be called. */
function nameOf(c: Context<AppEnv>): string {
  const parsed = deviceId.safeParse(c.req.param("deviceId"));
  if (!parsed.success) throw new NotFoundError("Device");
  return parsed.data;
}

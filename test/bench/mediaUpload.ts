import { randomBytes } from "node:crypto";
import { PNG, upload } from "#test/support/gate.ts";
import { createGateTenant, type GateTenant, openVerification } from "#test/support/openGate.ts";
import type { Row } from "./row.ts";
import { type Stack, type StartStack, withStack } from "./stack.ts";

const UPLOAD_BYTES = 10_485_760;
const AT_ONCE = 16;
const rounds = 5;
const sampleMs = 50;

/** What uploads of 10 MB cost in memory: the API's peak with sixteen under way against its peak with small ones, for each upload. */
export async function run({ startStack }: { startStack: StartStack }): Promise<Row[]> {
  return withStack(startStack, measure, { pipeline: false });
}

async function measure(stack: Stack): Promise<Row[]> {
  const tenant = await createGateTenant(stack, { rateLimitPerMinute: 10_000 });
  const peaks = { small: 0, large: 0 };
  let largeMs = 0;
  for (let round = 0; round < rounds; round++) {
    peaks.small = Math.max(peaks.small, await peakOf(stack, () => uploadAll(stack, tenant, PNG.length)));
    const startedAt = performance.now();
    peaks.large = Math.max(peaks.large, await peakOf(stack, () => uploadAll(stack, tenant, UPLOAD_BYTES)));
    largeMs += performance.now() - startedAt;
  }
  const eachMiB = (peaks.large - peaks.small) / AT_ONCE / 2 ** 20;
  const bytesPerSecond = (rounds * AT_ONCE * UPLOAD_BYTES) / (largeMs / 1_000);
  return [
    {
      name: `memory of an upload of 10 MB, ${AT_ONCE} at once (${Math.round(bytesPerSecond / 2 ** 20)} MiB/s); MiB beyond those of ${PNG.length} bytes`,
      measured: `${eachMiB.toFixed(2)} MiB`,
      baseline: "1 MiB",
      ratio: eachMiB,
      promise: "≤ 2",
    },
  ];
}

async function uploadAll({ apiUrl }: Stack, tenant: GateTenant, bytes: number): Promise<void> {
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      const id = await openVerification(apiUrl, tenant);
      const file = Buffer.concat([PNG, randomBytes(bytes - PNG.length)]);
      const parts = { fields: { type: "selfie" }, files: [{ name: "file", bytes: file }] };
      const { status } = await upload(apiUrl, `/v1/verifications/${id}/media`, parts, tenant);
      if (status !== 201) throw new Error(`an upload was answered ${status}`);
    }),
  );
}

/** The API's resident memory at its highest while something is done; bytes. */
async function peakOf(stack: Stack, work: () => Promise<void>): Promise<number> {
  let peak = 0;
  let isDone = false;
  const watch = async () => {
    while (!isDone) {
      peak = Math.max(peak, await residentBytes(stack));
      await new Promise((resolve) => setTimeout(resolve, sampleMs));
    }
  };
  const watching = watch();
  await work().finally(() => {
    isDone = true;
  });
  await watching;
  return peak;
}

async function residentBytes({ apiUrl }: Stack): Promise<number> {
  const text = await (await fetch(`${apiUrl}/metrics`)).text();
  const found = /^holdfast_process_resident_memory_bytes (\d+)/m.exec(text);
  if (found === null) throw new Error("/metrics tells no memory");
  return Number(found[1]);
}

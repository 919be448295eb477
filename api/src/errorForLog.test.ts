import { createPublicClient, http } from "viem";
import { expect, test } from "vitest";
import { errorForLog } from "./errorForLog.ts";

test("an RPC URL's user, path and query stay out of the log, its host does not", async () => {
  // Nothing listens at port 1, and no request leaves this machine.
  const rpcUrl = "http://user:hunter1@127.0.0.1:1/v3/hunter2?key=hunter3#hunter4";
  const client = createPublicClient({ transport: http(rpcUrl, { retryCount: 0 }) });
  const error = await client.getChainId().then(
    () => null,
    (reason: unknown) => reason,
  );
  const written = JSON.stringify(errorForLog(error));
  expect(written).not.toMatch(/hunter/);
  expect(written).toContain("http://127.0.0.1:1/…");
  expect(written).toContain("HttpRequestError");
});

test("the code, the causes and where it happened are kept; what else hangs on an error is not", () => {
  const cause = new Error("postgres://app:hunter1@db.example:5432/app refused");
  const error = Object.assign(new Error("no answer", { cause }), { code: "08006", detail: "hunter2" });
  const kept = errorForLog(error) as Record<string, string>;
  expect(kept).toMatchObject({ type: "Error", code: "08006" });
  expect(kept.message).toContain("no answer");
  expect(kept.stack).toContain("postgres://db.example:5432/… refused");
  expect(kept.stack).toContain("errorForLog.test.ts");
  expect(JSON.stringify(kept)).not.toMatch(/hunter/);
});

test("what is thrown and is no error is written as it is", () => {
  expect(errorForLog("text")).toBe("text");
  expect(errorForLog(undefined)).toBeUndefined();
});

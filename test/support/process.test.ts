import { expect, test } from "vitest";
import { startProcess } from "./process.ts";
import { until } from "./until.ts";

const linger = "test/support/fixtures/linger.ts";

test("a script runs on the Node of the test, with only the environment that was given", async () => {
  process.env.HOLDFAST_LEAK = "1";
  const child = startProcess(linger, { env: { GREETING: "hello" } });
  const line = await child.waitForLine(/^pid (\d+) node (\S+) greeting (\w+)/);
  delete process.env.HOLDFAST_LEAK;
  expect(line.slice(1)).toEqual([String(child.pid), process.versions.node, "hello"]);
  await child.waitForLine(/a line on stderr/);
  await child.stop();
});

test("kill9 ends the process without a chance to clean up", async () => {
  const child = startProcess(linger, { args: ["--stubborn"] });
  await child.waitForLine(/^ready/);
  expect(await child.kill9()).toEqual({ code: null, signal: "SIGKILL" });
  expect(isAlive(child.pid)).toBe(false);
});

test("stop ends a process that ignores SIGTERM, and what it started", async () => {
  const child = startProcess(linger, { args: ["--stubborn", "--with-child"] });
  const grandchild = Number((await child.waitForLine(/^child (\d+)/))[1]);
  await child.waitForLine(/^ready/);
  expect((await child.stop(50)).signal).toBe("SIGKILL");
  expect(child.output()).toContain("no\n");
  await until(() => !isAlive(grandchild));
});

test("waiting for a line of a process that ends is refused at once", async () => {
  const child = startProcess(linger, { args: ["--leave"] });
  await expect(child.waitForLine(/^never/, 60_000)).rejects.toThrow(/the process ended/);
  expect(await child.exited).toEqual({ code: 3, signal: null });
});

test("IPC messages go both ways", async () => {
  const child = startProcess(linger, { ipc: true });
  await child.waitForLine(/^ready/);
  const answer = new Promise((resolve) => child.onMessage(resolve));
  child.send({ n: 1 });
  expect(await answer).toEqual({ echo: { n: 1 } });
  await child.stop();
});

test("no process is left when the one that started it is killed with SIGKILL", async () => {
  const starter = startProcess("test/support/fixtures/startLinger.ts");
  const [, left, grandchild] = await starter.waitForLine(/^left (\d+) (\d+)/);
  expect(isAlive(Number(left))).toBe(true);
  await starter.kill9();
  await until(() => !isAlive(Number(left)) && !isAlive(Number(grandchild)));
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

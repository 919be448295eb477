import { startProcess } from "#test/support/process.ts";

export type Baselines = { url: string; stop(): Promise<unknown> };

/** Starts baselines.ts beside a stack, on the same PostgreSQL server. */
export async function startBaselines(databaseUrl: string): Promise<Baselines> {
  const started = startProcess("test/bench/baselines.ts", { env: { DATABASE_URL: databaseUrl } });
  const [, url] = await started.waitForLine(/^listening (\S+)/);
  return { url: url!, stop: () => started.stop() };
}

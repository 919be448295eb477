import { existsSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type Browser, chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";

/** Why tests in a browser cannot run here; null when they can, and in CI, where they may not be left out. */
export const skippedFor =
  existsSync(CHROMIUM) || process.env.CI === "true" ? null : `skipped: no ${CHROMIUM}`;

export function launchBrowser(): Promise<Browser> {
  // Chromium's own sandbox does not start as root, as which containers run.
  return chromium.launch({ executablePath: CHROMIUM, chromiumSandbox: process.getuid?.() !== 0 });
}

/** Serves on a free loopback port. */
export async function serve(listener: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, close: () => void server.close() };
}

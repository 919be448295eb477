import type { Logger } from "pino";

/**
 * Calls `stop` once, on SIGTERM or SIGINT, or when the process that started this one is gone (its IPC channel closes): a
 * supervisor that is killed leaves nothing behind.
 */
export function onShutdown(logger: Logger, stop: () => void): void {
  let stopping = false;
  const begin = (reason: string) => {
    if (stopping) return;
    stopping = true;
    logger.info({ reason }, "stopping");
    stop();
  };
  process.on("SIGTERM", () => begin("SIGTERM"));
  process.on("SIGINT", () => begin("SIGINT"));
  if (process.channel) {
    process.channel.unref();
    process.on("disconnect", () => begin("parent gone"));
  }
}

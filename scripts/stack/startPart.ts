import { join } from "node:path";
import type { StackStart } from "./stackOptions.ts";
import { type SupervisedOptions, type SupervisedProcess, superviseProcess } from "./supervisedProcess.ts";

/** Starts a part of the stack as a supervised process that logs to `logs/<name>.log`. */
export async function startPart(
  { home, onProgress, onStop, signal }: StackStart,
  options: Omit<SupervisedOptions, "logFile" | "onRestart" | "signal">,
): Promise<SupervisedProcess> {
  const logFile = join(home, "logs", `${options.name}.log`);
  const started = await superviseProcess({
    ...options,
    logFile,
    signal,
    onRestart: (ended, code) =>
      onProgress(`${ended} ended with code ${code}; starting it again (log: ${logFile})`),
  });
  onStop(() => started.stop());
  return started;
}

import { pino } from "pino";

const BLOCK_CHARACTERS = 16_000; // below the `maxWrite` of pino’s destination
/** A line is written no later than this after it was logged. */
const WRITE_AFTER_MS = 1_000;

/**
 * Where an API's log lines go: to stdout in blocks, off the request's path. pino's own buffer (`minLength`) measures all that it holds
 * again with every line, which costs more than the line does; its destination still writes the blocks. What is left is written at exit.
 */
export function createLogBlocks() {
  let lines: string[] = [];
  let characters = 0;
  const handOver = (): void => {
    if (lines.length > 0) blocks.write(lines.join(""));
    lines = [];
    characters = 0;
  };
  const flush = (): void => {
    handOver();
    blocks.flush();
  };
  // Before pino's own listener, which at exit writes at once what is less than `minLength`.
  process.on("exit", handOver);
  const blocks = pino.destination({ sync: false, minLength: BLOCK_CHARACTERS });
  setInterval(flush, WRITE_AFTER_MS).unref();
  return {
    write(line: string): void {
      lines.push(line);
      characters += line.length;
      if (characters >= BLOCK_CHARACTERS) handOver();
    },
    flush,
  };
}

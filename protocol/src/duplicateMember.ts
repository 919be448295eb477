import { joinPath, nameForAnswer } from "./memberPath.ts";

/** Names are null in an array, which counts its items instead. */
type Frame = { names: Set<string> | null; item: number; current: string; awaitsName: boolean };

/**
 * Path of the first member whose name stood in its object before, also when it is spelled with other escapes; null when
 * there is none. Keeps its own stack, so depth costs no call stack.
 * @param text valid JSON.
 */
export function findDuplicateMember(text: string): string | null {
  const frames: Frame[] = [];
  for (let i = 0; i < text.length; i++) {
    const frame = frames.at(-1);
    const character = text[i];
    if (character === "{") frames.push({ names: new Set(), item: 0, current: "", awaitsName: true });
    else if (character === "[") frames.push({ names: null, item: 0, current: "", awaitsName: false });
    else if (character === "}" || character === "]") frames.pop();
    else if (character === "," && frame !== undefined) startNext(frame);
    else if (character === '"') {
      const end = endOfString(text, i);
      if (frame?.awaitsName && isRepeated(frame, JSON.parse(text.slice(i, end + 1)) as string))
        return pathOf(frames);
      i = end;
    }
  }
  return null;
}

/** Index of the quote that closes the string opened at `open`. */
export function endOfString(text: string, open: number): number {
  let end = text.indexOf('"', open + 1);
  while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end;
}

function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0;
  while (text.charCodeAt(quote - 1 - backslashes) === 0x5c) backslashes += 1;
  return backslashes % 2 === 1;
}

function startNext(frame: Frame): void {
  frame.item += 1;
  frame.awaitsName = frame.names !== null;
}

function isRepeated(frame: Frame, name: string): boolean {
  frame.current = name;
  frame.awaitsName = false;
  if (frame.names?.has(name)) return true;
  frame.names?.add(name);
  return false;
}

function pathOf(frames: readonly Frame[]): string {
  return frames
    .map(({ names, current, item }) => (names === null ? `[${item}]` : nameForAnswer(current)))
    .reduce(joinPath, "");
}

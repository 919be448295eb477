import { damagedPdf } from "./unreadablePdfError.ts";

type Neighbours = { left: number; up: number; upperLeft: number };

/** The prediction of each filter type for a byte (PNG, third edition, §9.2). */
const PREDICTIONS: readonly ((near: Neighbours) => number)[] = [
  () => 0,
  ({ left }) => left,
  ({ up }) => up,
  ({ left, up }) => (left + up) >> 1,
  paeth,
];

/**
 * Rows of `rowBytes` bytes, each after a byte that names its filter type.
 * @throws {UnreadablePdfError}
 */
export function undoPngPrediction(
  data: Uint8Array,
  { rowBytes, pixelBytes }: { rowBytes: number; pixelBytes: number },
): Uint8Array {
  const rows = Math.ceil(data.length / (rowBytes + 1));
  const bytes = new Uint8Array(rows * rowBytes);
  for (let row = 0; row < rows; row++) {
    const source = row * (rowBytes + 1);
    const predict = PREDICTIONS[data[source]!];
    if (predict === undefined) throw damagedPdf("A part cannot be unpacked");
    const start = row * rowBytes;
    for (let column = 0; column < rowBytes; column++) {
      const at = start + column;
      const hasLeft = column >= pixelBytes;
      const left = hasLeft ? bytes[at - pixelBytes]! : 0;
      const up = row > 0 ? bytes[at - rowBytes]! : 0;
      const upperLeft = hasLeft && row > 0 ? bytes[at - pixelBytes - rowBytes]! : 0;
      bytes[at] = (data[source + 1 + column] ?? 0) + predict({ left, up, upperLeft });
    }
  }
  return bytes;
}

function paeth({ left, up, upperLeft }: Neighbours): number {
  const estimate = left + up - upperLeft;
  const [toLeft, toUp, toUpperLeft] = [left, up, upperLeft].map((value) => Math.abs(estimate - value));
  if (toLeft! <= toUp! && toLeft! <= toUpperLeft!) return left;
  return toUp! <= toUpperLeft! ? up : upperLeft;
}

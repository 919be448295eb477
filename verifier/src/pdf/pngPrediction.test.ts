import fc from "fast-check";
import { expect, test } from "vitest";
import { undoPngPrediction } from "./pngPrediction.ts";

/** The predictors of PNG (third edition, §9.2): a left of it, b above, c above that. */
const predictors = [
  () => 0,
  (a: number) => a,
  (_a: number, b: number) => b,
  (a: number, b: number) => Math.floor((a + b) / 2),
  (a: number, b: number, c: number) => {
    const p = a + b - c;
    return [a, b, c].reduce((best, value) => (Math.abs(p - value) < Math.abs(p - best) ? value : best));
  },
];

test("rows predicted with any of PNG's filter types come back", () => {
  const rowsOf = fc
    .record({ rowBytes: fc.integer({ min: 1, max: 9 }), pixelBytes: fc.integer({ min: 1, max: 4 }) })
    .chain((shape) =>
      fc.record({
        shape: fc.constant(shape),
        rows: fc.array(
          fc.record({
            type: fc.nat({ max: 4 }),
            bytes: fc.array(fc.nat({ max: 255 }), { minLength: shape.rowBytes, maxLength: shape.rowBytes }),
          }),
          { maxLength: 5 },
        ),
      }),
    );
  fc.assert(
    fc.property(rowsOf, ({ shape, rows }) => {
      const at = (row: number, column: number) => (column < 0 ? 0 : (rows[row]?.bytes[column] ?? 0));
      const predicted = rows.flatMap(({ type, bytes }, row) => [
        type,
        ...bytes.map((byte, column) => {
          const left = column - shape.pixelBytes;
          return byte - predictors[type]!(at(row, left), at(row - 1, column), at(row - 1, left));
        }),
      ]);
      expect([...undoPngPrediction(Uint8Array.from(predicted), shape)]).toEqual(
        rows.flatMap(({ bytes }) => bytes),
      );
    }),
  );
});

test("a filter type that PNG has not is refused", () => {
  expect(() => undoPngPrediction(Uint8Array.of(5, 0), { rowBytes: 1, pixelBytes: 1 })).toThrow("damaged");
});

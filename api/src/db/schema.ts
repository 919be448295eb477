import { customType, pgSchema } from "./drizzle.ts";

/** The API's own schema; what a chain said stands in the schema `chain`, which the API may only read. */
export const app = pgSchema("app");

/** Bytes as they are; node-postgres reads and writes them as Buffer. */
export const bytea = customType<{ data: Uint8Array; driverData: Buffer }>({
  dataType: () => "bytea",
  toDriver: bufferOver,
});

/** The same bytes as a Buffer, not copied. */
export function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

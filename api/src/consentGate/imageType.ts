import { fileTypeFromFile } from "file-type";
import { GateError } from "./gateError.ts";

const IMAGES = new Set([
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/heic",
  "image/heif",
  "image/avif",
  "image/gif",
  "image/bmp",
  "image/tiff",
]);

/** The media type of a file that is an image, told by its bytes and never by its name. @throws {GateError} 422 */
export async function imageTypeOf(path: string): Promise<string> {
  const type = (await fileTypeFromFile(path))?.mime;
  if (type === undefined || !IMAGES.has(type)) throw new GateError("INVALID_FILE_TYPE");
  return type;
}

import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, readdir, stat, unlink } from "node:fs/promises";
import type { IncomingMessage } from "node:http";
import { join } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { Busboy, type BusboyFileStream } from "@fastify/busboy";
import { ApiError, UnavailableError, UnreadableInputError } from "../errors.ts";
import type { Pairs } from "./hmacTexts.ts";

/** A file as it was received. */
export type UploadedFile = {
  /** Of the form's field. */
  name: string;
  /** Where its bytes lie, flushed to the disk, until the request ends. */
  path: string;
  bytes: number;
  /** Hex. */
  sha256: string;
};

/** A multipart body (RFC 7578) that was received to its end. */
export type Upload = {
  fields: Pairs;
  files: readonly UploadedFile[];
  /** Of every file, in the order in which they came. */
  sha256s: readonly string[];
  /** Deletes what nobody has moved away. */
  discard(): Promise<void>;
};

/** A file that is larger than is taken. */
export class FileTooLargeError extends ApiError {
  override name = "FileTooLargeError";
  constructor() {
    super(413, `The file is larger than ${FILE_BYTES_MAX} bytes`);
  }
}

export const FILE_BYTES_MAX = 10_485_760;
const LIMITS = {
  fileSize: FILE_BYTES_MAX,
  files: 5,
  fields: 20,
  fieldNameSize: 100,
  fieldSize: 4_096,
  headerPairs: 20,
};
/** What an interrupted process leaves is deleted when it is so old; no upload lasts as long. Milliseconds. */
const ABANDONED_AFTER_MS = 3_600_000;

/**
 * Receives a multipart body: files go to `folder` as they come and are hashed on the way, so that no file is ever in memory.
 * @throws {FileTooLargeError} 413. @throws {UnreadableInputError} 400 for what is no whole multipart body.
 */
export async function receiveUpload(incoming: IncomingMessage, folder: string): Promise<Upload> {
  const contentType = incoming.headers["content-type"] ?? "";
  if (!/^multipart\/form-data\s*;/i.test(contentType))
    throw new UnreadableInputError("The request body must be multipart/form-data");
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const reception = new Reception(folder);
  try {
    await reception.receive(incoming, contentType);
  } catch (error) {
    await reception.discard();
    if (isOfTheDisk(error)) throw new UnavailableError("Uploads are not taken now; try again", error);
    if (error instanceof ApiError) throw error;
    throw new UnreadableInputError("The request body is no whole multipart body");
  }
  return reception.upload();
}

class Reception {
  readonly #folder: string;
  readonly #fields = new Map<string, string>();
  readonly #paths: string[] = [];
  readonly #streams: BusboyFileStream[] = [];
  readonly #files: Promise<UploadedFile>[] = [];
  #received: UploadedFile[] = [];

  constructor(folder: string) {
    this.#folder = folder;
  }

  async receive(incoming: IncomingMessage, contentType: string): Promise<void> {
    const form = new Busboy({ headers: { "content-type": contentType }, limits: LIMITS });
    try {
      await new Promise<void>((resolve, reject) => {
        form.on("field", (name, value, nameTruncated, valueTruncated) => {
          if (nameTruncated || valueTruncated)
            reject(new UnreadableInputError(`A form field is longer than ${LIMITS.fieldSize} bytes`));
          this.#fields.set(name, value);
        });
        form.on("file", (name, stream) => {
          const file = this.#store(name, stream);
          file.catch(reject);
          this.#files.push(file);
        });
        for (const limit of ["filesLimit", "fieldsLimit", "partsLimit"] as const)
          form.on(limit, () => reject(new UnreadableInputError("The form has too many parts")));
        form.on("finish", resolve);
        form.on("error", reject);
        incoming.on("close", () => {
          if (!incoming.complete) reject(new UnreadableInputError("Request body is incomplete"));
        });
        // Its end was told before anybody listened: the client left while its key was looked up.
        if (incoming.destroyed && !incoming.complete)
          reject(new UnreadableInputError("Request body is incomplete"));
        // Not pipeline: it would end the connection over which the answer has still to go.
        incoming.pipe(form);
      });
      this.#received = await Promise.all(this.#files);
    } finally {
      incoming.unpipe(form);
      // Of a refused body the rest is read and thrown away: a client that still sends would not read the answer.
      incoming.resume();
    }
  }

  async #store(name: string, stream: BusboyFileStream): Promise<UploadedFile> {
    const path = join(this.#folder, randomUUID());
    this.#paths.push(path);
    this.#streams.push(stream);
    const hash = createHash("sha256");
    let bytes = 0;
    const meter = new Transform({
      transform(chunk: Buffer, _encoding, done) {
        hash.update(chunk);
        bytes += chunk.length;
        done(null, chunk);
      },
    });
    await pipeline(stream, meter, createWriteStream(path, { flags: "wx", mode: 0o600, flush: true }));
    if (stream.truncated) throw new FileTooLargeError();
    return { name, path, bytes, sha256: hash.digest("hex") };
  }

  upload(): Upload {
    return {
      fields: this.#fields,
      files: this.#received,
      sha256s: this.#received.map(({ sha256 }) => sha256),
      discard: () => this.discard(),
    };
  }

  async discard(): Promise<void> {
    for (const stream of this.#streams) stream.destroy();
    await Promise.allSettled(this.#files);
    for (const path of this.#paths) await unlink(path).catch(ignoreMissing);
  }
}

/** Deletes what processes that died have left in the folder of uploads. */
export async function forgetAbandonedUploads(folder: string, now: Date): Promise<void> {
  const names = await readdir(folder).catch((error: unknown) => ignoreMissing(error) ?? []);
  for (const name of names) {
    const path = join(folder, name);
    const file = await stat(path).catch(ignoreMissing);
    if (file && now.getTime() - file.mtimeMs > ABANDONED_AFTER_MS) await unlink(path).catch(ignoreMissing);
  }
}

export function isOfTheDisk(error: unknown): boolean {
  return ["ENOSPC", "EDQUOT", "EACCES", "EROFS", "EIO", "EMFILE", "ENOTDIR", "EEXIST"].includes(
    String((error as { code?: unknown }).code),
  );
}

function ignoreMissing(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
  throw error;
}

import { openAsBlob } from "node:fs";
import { access, mkdir, open, rename, unlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AwsClient } from "aws4fetch";
import { type Config, InvalidSettingsError } from "../config.ts";
import type { UploadedFile } from "../http/upload.ts";

export type MediaKey = { tenantId: string; id: string };

/** Where the bytes of media lie (PA-8). */
export type MediaStore = {
  /** Takes the file over; its bytes are durable when this returns. Safe to repeat. */
  put(key: MediaKey, file: Pick<UploadedFile, "path" | "sha256">): Promise<void>;
  /** Safe to repeat. */
  remove(key: MediaKey): Promise<void>;
};

export type S3Settings = {
  /** Of the bucket, such as https://s3.example/media. */
  url: string;
  region: string;
  accessKeyId: string;
  secretAccessKey: string;
};

/** A store that did not do what it was asked. */
export class MediaStoreError extends Error {
  override name = "MediaStoreError";
}

const S3_TIMEOUT_MS = 30_000;
const S3_ERROR_CHARACTERS_MAX = 10_000;

/** Uploads under way lie beside the media, so that one is kept by a new name. */
export function uploadFolderOf({ MEDIA_FOLDER }: Pick<Config, "MEDIA_FOLDER">): string {
  return join(MEDIA_FOLDER, "uploads");
}

/** The bucket where one is set, else the folder. @throws {InvalidSettingsError} for a bucket without its keys. */
export function createMediaStore(config: Config): MediaStore {
  const { MEDIA_S3_URL: url, MEDIA_S3_REGION: region } = config;
  if (url === undefined) return createFolderStore(config.MEDIA_FOLDER);
  const { MEDIA_S3_ACCESS_KEY_ID: accessKeyId, MEDIA_S3_SECRET_ACCESS_KEY: secretAccessKey } = config;
  if (accessKeyId === undefined || secretAccessKey === undefined)
    throw new InvalidSettingsError(
      "Invalid settings:\n  MEDIA_S3_URL: needs MEDIA_S3_ACCESS_KEY_ID and MEDIA_S3_SECRET_ACCESS_KEY",
    );
  return createS3Store({ url, region, accessKeyId, secretAccessKey });
}

/** Lies in the folder since the first medium: in another folder, or where none is mounted, media are not gone because they are not there. */
const MARKER = ".holdfast-media";

/** A file per medium, in a folder per tenant. Uploads must lie on the same file system, so that a file is moved whole or not at all. */
export function createFolderStore(folder: string): MediaStore {
  const pathOf = ({ tenantId, id }: MediaKey) => join(folder, tenantId, id);
  return {
    async put(key, file) {
      const path = pathOf(key);
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(join(folder, MARKER), "", { flag: "a" });
      await rename(file.path, path);
      // A name is durable when its folder is.
      await syncFolder(dirname(path));
      await syncFolder(folder);
    },
    async remove(key) {
      try {
        await unlink(pathOf(key));
        await syncFolder(dirname(pathOf(key)));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        await requireMarker(folder);
      }
    },
  };
}

async function requireMarker(folder: string): Promise<void> {
  try {
    await access(join(folder, MARKER));
  } catch {
    throw new MediaStoreError(`${folder} is not the folder of media: ${MARKER} is not in it`);
  }
}

/** An S3-compatible bucket, with requests signed by AWS Signature Version 4. */
export function createS3Store({ url, region, accessKeyId, secretAccessKey }: S3Settings): MediaStore {
  const client = new AwsClient({ accessKeyId, secretAccessKey, region, service: "s3", retries: 2 });
  const urlOf = ({ tenantId, id }: MediaKey) => `${url}/${tenantId}/${id}`;
  const send = async (key: MediaKey, request: RequestInit, good: number[]) => {
    const answer = await client.fetch(urlOf(key), { ...request, signal: AbortSignal.timeout(S3_TIMEOUT_MS) });
    const said = (await answer.text()).slice(0, S3_ERROR_CHARACTERS_MAX);
    if (good.includes(answer.status)) return;
    // Most answer 204 for an object that is not there; that there is no such bucket is a 404, too.
    const isGone = request.method === "DELETE" && answer.status === 404 && said.includes("<Code>NoSuchKey<");
    if (!isGone) throw new MediaStoreError(`the bucket answered ${answer.status}`);
  };
  return {
    async put(key, file) {
      // A blob of the file: its length is known, and its bytes are read as they are sent.
      const body = await openAsBlob(file.path);
      await send(key, { method: "PUT", body, headers: { "X-Amz-Content-Sha256": file.sha256 } }, [200]);
    },
    remove: (key) => send(key, { method: "DELETE" }, [200, 204]),
  };
}

async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, "r");
  await opened.sync().finally(() => opened.close());
}

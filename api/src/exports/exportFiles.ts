import { type FileHandle, mkdir, open, readdir, rename, unlink } from "node:fs/promises";
import path from "node:path";
import type { ExportAttempt } from "./exportState.ts";

/** A file that is being written; nobody sees it before finish(). */
export type ExportWriter = {
  write(text: string): Promise<void>;
  /** Bytes written up to now. */
  bytes(): number;
  /** Makes it durable, then visible under its own name. */
  finish(): Promise<void>;
  /** Closes and deletes it, finished or not. */
  discard(): Promise<void>;
};

/** The folder of export files, which API and workers share: a folder per tenant, in it a file per attempt. */
export type ExportFiles = {
  create(attempt: ExportAttempt): Promise<ExportWriter>;
  /** Null when there is no such file. The caller closes it. */
  open(attempt: ExportAttempt): Promise<FileHandle | null>;
  /** Safe to repeat. */
  remove(attempt: ExportAttempt): Promise<void>;
  /** Every attempt that left a file, finished or not. Other files are not ours, and are left out. */
  list(): Promise<ExportAttempt[]>;
};

const UUID = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const TENANT_FOLDER = new RegExp(`^${UUID}$`);
const FILE = new RegExp(`^(?<id>${UUID})\\.(?<attempt>${UUID})(?:\\.part)?$`);

export function createExportFiles(folder: string): ExportFiles {
  const pathOf = ({ tenantId, id, attempt }: ExportAttempt) =>
    path.join(folder, tenantId, `${id}.${attempt}`);

  return {
    create: (attempt) => createWriter(pathOf(attempt)),
    open: (attempt) => open(pathOf(attempt), "r").catch(nullIfMissing),
    async remove(attempt) {
      await unlink(pathOf(attempt)).catch(nullIfMissing);
      await unlink(partOf(pathOf(attempt))).catch(nullIfMissing);
    },
    async list() {
      const found: ExportAttempt[] = [];
      for (const tenantId of (await namesIn(folder)).filter((name) => TENANT_FOLDER.test(name))) {
        for (const name of await namesIn(path.join(folder, tenantId))) {
          const named = FILE.exec(name)?.groups;
          if (named) found.push({ tenantId, id: named.id!, attempt: named.attempt! });
        }
      }
      return found;
    },
  };
}

const partOf = (file: string) => `${file}.part`;

async function createWriter(file: string): Promise<ExportWriter> {
  const tenantFolder = path.dirname(file);
  await mkdir(tenantFolder, { recursive: true, mode: 0o700 });
  const part = await open(partOf(file), "wx", 0o600);
  let bytes = 0;
  return {
    async write(text) {
      const chunk = Buffer.from(text);
      await part.writeFile(chunk);
      bytes += chunk.length;
    },
    bytes: () => bytes,
    async finish() {
      await part.sync();
      await part.close();
      await rename(partOf(file), file);
      // A name is durable when its folder is.
      await syncFolder(tenantFolder);
      await syncFolder(path.dirname(tenantFolder));
    },
    async discard() {
      await part.close();
      await unlink(partOf(file)).catch(nullIfMissing);
      await unlink(file).catch(nullIfMissing);
    },
  };
}

async function syncFolder(folder: string): Promise<void> {
  const opened = await open(folder, "r");
  await opened.sync().finally(() => opened.close());
}

function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => nullIfMissing(error) ?? []);
}

function nullIfMissing(error: unknown): null {
  if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
  throw error;
}

// Whose a blob store beside the main one is. Its blobs mean something only to the metadata that name
// them: under another server, or another name, all of them would look like waste and be swept. So a
// store is claimed before it is used, once and for good, and nothing is done in one of somebody else.

import { randomBytes } from "node:crypto";
import { link, open, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { isWriterId } from "./blob-id.ts";

export interface BlobStoreOwner {
  /** Of the metadata: never changes. */
  readonly storeId: string;
  /** Under which the blobs' ids name this store. */
  readonly name: string;
}

/** A blob store that another server, or this one under another name, has claimed. */
class ForeignBlobStoreError extends Error {
  override readonly name = "ForeignBlobStoreError";
}

export const ownerFileName = "owner.json";

export function formatOwner({ storeId, name }: BlobStoreOwner): string {
  return `${JSON.stringify({ v: 1, storeId, name })}\n`;
}

/** Throws ForeignBlobStoreError; `place` is what its message calls the store. */
export function checkOwner(text: string, owner: BlobStoreOwner, place: string): void {
  if (text === formatOwner(owner)) return;
  throw new ForeignBlobStoreError(
    `${place} belongs to another server, or to a blob store of another name: give ${owner.name} a place of its own`,
  );
}

/** Claims a directory that is there. Throws ForeignBlobStoreError, and what the file system throws. */
export async function claimDirectory(directory: string, owner: BlobStoreOwner): Promise<void> {
  const path = join(directory, ownerFileName);
  const found = await readIfThere(path);
  if (found !== undefined) {
    checkOwner(found, owner, directory);
    return;
  }
  if ((await readdir(directory)).some((name) => isWriterId(name))) {
    throw new ForeignBlobStoreError(`${directory} holds blobs that nobody has claimed`);
  }
  await writeOnce(path, formatOwner(owner));
  checkOwner(await readFile(path, "utf8"), owner, directory);
}

/** Whole or not at all, and never over what somebody else has written meanwhile. */
async function writeOnce(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}`;
  const file = await open(draft, "wx");
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await link(draft, path);
    await rm(draft, { force: true });
  } catch (error) {
    if (isCode(error, "EEXIST")) await rm(draft, { force: true });
    // A file system without hard links.
    else await rename(draft, path);
  }
}

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

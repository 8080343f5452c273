// Files that hold a secret of the server: readable by its user alone, and never half-written. A file
// has its name only when it is whole and on stable storage.

import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname } from "node:path";

/** `undefined`: there is none. Takes away the rights of others that somebody has given. */
export async function readSecretFile(path: string): Promise<string | undefined> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  return content;
}

/** False when another maker was first: what it has made stays. Makes the directory too. */
export async function createSecretFile(path: string, content: string): Promise<boolean> {
  await mkdir(dirname(path), { recursive: true });
  const temporaryPath = await writeBeside(path, content);
  const isFirst = await giveName(temporaryPath, path);
  await syncDirectory(dirname(path));
  return isFirst;
}

/** Readers see the old content or the new one. */
export async function replaceSecretFile(path: string, content: string): Promise<void> {
  await rename(await writeBeside(path, content), path);
  await syncDirectory(dirname(path));
}

async function writeBeside(path: string, content: string): Promise<string> {
  const temporaryPath = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  const file = await open(temporaryPath, "wx", 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  return temporaryPath;
}

async function giveName(temporaryPath: string, path: string): Promise<boolean> {
  try {
    // Unlike a rename, a link never replaces what somebody else has made meanwhile.
    await link(temporaryPath, path);
    await unlink(temporaryPath);
    return true;
  } catch (error) {
    if (hasCode(error, "EEXIST")) {
      await unlink(temporaryPath);
      return false;
    }
    // File systems without links; the directory's lock keeps a second server away there.
    await rename(temporaryPath, path);
    return true;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

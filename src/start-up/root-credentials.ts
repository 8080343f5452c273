// The root account's key pair: from the configuration, or made once and kept in the data directory,
// readable by the server's user alone. There are no built-in credentials.

import { randomBytes, randomInt } from "node:crypto";
import { chmod, link, mkdir, open, readFile, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RootCredentials extends Credentials {
  /** The file that holds the pair; `undefined` when it came from the configuration. */
  readonly file: { readonly path: string; readonly isNew: boolean } | undefined;
}

export const credentialsFileName = "root-credentials.json";

const accessKeyAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const secretAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Twenty and forty characters, as clients know them from S3; 90 and 238 bits. */
export function generateCredentials(): Credentials {
  return {
    accessKeyId: `HF${randomText(accessKeyAlphabet, 18)}`,
    secretAccessKey: randomText(secretAlphabet, 40),
  };
}

/** Reads the pair kept in a directory, or makes and keeps one. Safe against a second maker. */
export async function loadOrCreateCredentials(directory: string): Promise<RootCredentials> {
  const path = join(directory, credentialsFileName);
  const kept = await readCredentials(path);
  if (kept !== undefined) return { ...kept, file: { path, isNew: false } };
  const isNew = await keepCredentials(path, generateCredentials());
  const pair = await readCredentials(path);
  if (pair === undefined) throw new Error(`${path} vanished while it was being made`);
  return { ...pair, file: { path, isNew } };
}

async function readCredentials(path: string): Promise<Credentials | undefined> {
  let content: string;
  try {
    content = await readFile(path, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return undefined;
    throw error;
  }
  if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600);
  const pair = parseCredentials(content);
  if (pair === undefined) {
    // Making a new pair would lock out everybody who has the old one.
    throw new Error(`${path} does not hold an accessKeyId and a secretAccessKey`);
  }
  return pair;
}

function parseCredentials(content: string): Credentials | undefined {
  try {
    const { accessKeyId, secretAccessKey } = JSON.parse(content) as Partial<Credentials>;
    const isPair = typeof accessKeyId === "string" && typeof secretAccessKey === "string";
    return isPair && accessKeyId !== "" && secretAccessKey !== ""
      ? { accessKeyId, secretAccessKey }
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whole and on stable storage before it has its name; false when another maker was first. */
async function keepCredentials(path: string, pair: Credentials): Promise<boolean> {
  const directory = dirname(path);
  await mkdir(directory, { recursive: true });
  const temporaryPath = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  const file = await open(temporaryPath, "wx", 0o600);
  try {
    await file.writeFile(`${JSON.stringify(pair, undefined, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  const isFirst = await giveName(temporaryPath, path);
  await syncDirectory(directory);
  return isFirst;
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

function randomText(alphabet: string, length: number): string {
  let made = "";
  while (made.length < length) made += alphabet[randomInt(alphabet.length)];
  return made;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}

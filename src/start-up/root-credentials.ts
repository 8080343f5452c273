// The root account's key pair: from the configuration, or made once and kept in the data directory,
// readable by the server's user alone. There are no built-in credentials.

import { randomInt } from "node:crypto";
import { join } from "node:path";
import { createSecretFile, readSecretFile } from "./secret-file.ts";

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface RootCredentials extends Credentials {
  /** The file that holds the pair; `undefined` when it came from the configuration. */
  readonly file: { readonly path: string; readonly isNew: boolean } | undefined;
}

const credentialsFileName = "root-credentials.json";

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
  const content = `${JSON.stringify(generateCredentials(), undefined, 2)}\n`;
  const isNew = await createSecretFile(path, content);
  const pair = await readCredentials(path);
  if (pair === undefined) throw new Error(`${path} vanished while it was being made`);
  return { ...pair, file: { path, isNew } };
}

/** The pair kept in a directory, for those who may read it; `undefined` where there is none. */
export function readRootCredentials(directory: string): Promise<Credentials | undefined> {
  return readCredentials(join(directory, credentialsFileName));
}

async function readCredentials(path: string): Promise<Credentials | undefined> {
  const content = await readSecretFile(path);
  if (content === undefined) return undefined;
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

function randomText(alphabet: string, length: number): string {
  let made = "";
  while (made.length < length) made += alphabet[randomInt(alphabet.length)];
  return made;
}

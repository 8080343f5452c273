// What the file of the master keys holds: the keys in clear, for a file that only the server's user
// can read, or sealed by a passphrase. Text in, text out; reads and writes nothing.

import { randomBytes, scryptSync } from "node:crypto";
import { masterKeyOf, type MasterKey, type MasterKeys } from "./master-key.ts";
import { nonceBytes, Xaes256Gcm } from "./xaes-256-gcm.ts";

/** A key made of a passphrase, with what is needed to make it again. */
export interface PassphraseKey {
  readonly derivation: Derivation;
  /** 32 bytes. */
  readonly bytes: Uint8Array;
}

interface Derivation {
  readonly function: "scrypt";
  /** Base64. */
  readonly salt: string;
  readonly cost: number;
  readonly blockSize: number;
  readonly parallelization: number;
}

/** The document cannot be used; the message is one line for the administrator, without any secret. */
export class MasterKeyDocumentError extends Error {
  override readonly name = "MasterKeyDocumentError";
}

interface KeyList {
  readonly current: string;
  readonly keys: readonly { readonly id: string; readonly created: string; readonly key: string }[];
}

type Document = { readonly version: 1 } & (
  | KeyList
  | { readonly derivation: Derivation; readonly sealed: string }
);

// 128 MiB and about 0.4 s: the first of OWASP's equal choices for scrypt.
const cost = 2 ** 17;
const blockSize = 8;
const parallelization = 1;
/** A file may ask for other parameters, but not for any amount of memory or time. */
const highestCost = 2 ** 20;
const documentContext = Buffer.from("holdfast: master keys");

export function derivePassphraseKey(passphrase: string): PassphraseKey {
  const salt = randomBytes(16).toString("base64");
  const derivation = { function: "scrypt", salt, cost, blockSize, parallelization } as const;
  return { derivation, bytes: derive(passphrase, derivation) };
}

/** With `sealedBy` nothing of the keys can be read in the text. */
export function formatMasterKeys(keys: MasterKeys, sealedBy: PassphraseKey | undefined): string {
  const list: KeyList = {
    current: keys.currentId,
    keys: keys.keys.map(({ id, created, bytes }) => {
      return { id, created, key: Buffer.from(bytes).toString("base64") };
    }),
  };
  if (sealedBy === undefined) return print({ version: 1, ...list });
  const cipher = new Xaes256Gcm(sealedBy.bytes);
  const plain = Buffer.from(JSON.stringify(list));
  const sealed = cipher.encrypt(plain, randomBytes(nonceBytes), documentContext);
  return print({
    version: 1,
    derivation: sealedBy.derivation,
    sealed: sealed.toString("base64"),
  });
}

export interface ReadMasterKeys {
  readonly keys: MasterKeys;
  /** What the document is sealed by; `undefined`: the keys stand in clear. */
  readonly sealedBy: PassphraseKey | undefined;
}

/** Reads a document; a sealed one with its passphrase, or with a key that was made of it before. */
export function parseMasterKeys(
  text: string,
  opener: { readonly passphrase: string } | { readonly key: PassphraseKey } | undefined,
): ReadMasterKeys {
  const document = parseDocument(text);
  if ("keys" in document) return { keys: parseList(document), sealedBy: undefined };
  if (opener === undefined) throw new MasterKeyDocumentError("is sealed by a passphrase");
  const sealedBy = passphraseKeyOf(document.derivation, opener);
  const message = Buffer.from(document.sealed, "base64");
  const plain = new Xaes256Gcm(sealedBy.bytes).decrypt(message, documentContext);
  if (plain === undefined) {
    throw new MasterKeyDocumentError("is sealed by another passphrase, or damaged");
  }
  return { keys: parseList(parseJson(plain.toString("utf8"))), sealedBy };
}

function passphraseKeyOf(
  derivation: Derivation,
  opener: { readonly passphrase: string } | { readonly key: PassphraseKey },
): PassphraseKey {
  if ("passphrase" in opener) {
    return { derivation, bytes: derive(opener.passphrase, derivation) };
  }
  if (opener.key.derivation.salt !== derivation.salt) {
    throw new MasterKeyDocumentError("has a new passphrase");
  }
  return opener.key;
}

function derive(passphrase: string, derivation: Derivation): Uint8Array {
  const { salt, cost: N, blockSize: r, parallelization: p } = derivation;
  // scrypt needs 128·N·r bytes and a little more.
  const maxmem = 128 * N * r + 64 * 1024 * 1024;
  const normalized = passphrase.normalize("NFC");
  return scryptSync(normalized, Buffer.from(salt, "base64"), 32, { N, r, p, maxmem });
}

function parseDocument(text: string): Document {
  const document = parseJson(text);
  if (!isObject(document)) throw damaged();
  if (document["version"] !== 1) {
    throw new MasterKeyDocumentError("was written by a newer Holdfast");
  }
  const { derivation, sealed } = document;
  if (sealed === undefined) return document as unknown as Document & KeyList;
  if (typeof sealed !== "string" || !isDerivation(derivation)) throw damaged();
  return { version: 1, derivation, sealed };
}

function isDerivation(value: unknown): value is Derivation {
  if (!isObject(value)) return false;
  const isBounded = (name: string, highest: number): boolean => {
    const number = value[name];
    return typeof number === "number" && number >= 1 && number <= highest;
  };
  return (
    value["function"] === "scrypt" &&
    typeof value["salt"] === "string" &&
    isBounded("cost", highestCost) &&
    isBounded("blockSize", 16) &&
    isBounded("parallelization", 16)
  );
}

function parseList(list: unknown): MasterKeys {
  if (!isObject(list)) throw damaged();
  const { current, keys } = list;
  if (typeof current !== "string" || !Array.isArray(keys)) throw damaged();
  const parsed = keys.map((entry: unknown) => parseKey(entry));
  if (!parsed.some(({ id }) => id === current)) throw damaged();
  return { currentId: current, keys: parsed };
}

function parseKey(entry: unknown): MasterKey {
  if (!isObject(entry)) throw damaged();
  const { id, key, created } = entry;
  if (typeof key !== "string" || typeof created !== "string") throw damaged();
  const bytes = Buffer.from(key, "base64");
  if (bytes.byteLength !== 32) throw damaged();
  const made = masterKeyOf(bytes, created);
  if (made.id !== id) throw damaged();
  return made;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    // The parser's own message would repeat a part of the text.
    throw damaged();
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function damaged(): MasterKeyDocumentError {
  return new MasterKeyDocumentError("is damaged: it does not hold a ring of master keys");
}

function print(document: Document): string {
  return `${JSON.stringify(document, undefined, 2)}\n`;
}

// Where the master keys come from: a file in the data directory, made at the first start and sealed by
// a passphrase if there is one; a file that the administrator keeps elsewhere; or, for a store in
// memory, nowhere. Also how a running server notices that another process has added a key.

import { readFileSync, statSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Configuration } from "../config-settings.ts";
import { ConfigurationError } from "../setting-kinds.ts";
import {
  createMasterKeys,
  masterKeyOf,
  parseExternalMasterKeys,
  withNewMasterKey,
  type MasterKeys,
} from "../keys/master-key.ts";
import {
  derivePassphraseKey,
  formatMasterKeys,
  MasterKeyDocumentError,
  parseMasterKeys,
  type PassphraseKey,
  type ReadMasterKeys,
} from "../keys/master-key-document.ts";
import { MasterKeyRing } from "../keys/master-key-ring.ts";
import { withFileLock } from "./directory-lock.ts";
import { createSecretFile, readSecretFile, replaceSecretFile } from "./secret-file.ts";

const masterKeysFileName = "master-keys.json";
const lockFileName = "master-keys.lock";

/** How often a running server looks whether a key was added. */
export const refreshMilliseconds = 10_000;

/**
 * The keys of a server, and where to look for further ones. Plain data, and secret: worker processes
 * get it through the supervisor's pipe, so that a passphrase is worked on once.
 */
export interface MasterKeySource {
  /** The keys in clear, in the form of the file. */
  readonly document: string;
  /** `undefined`: nobody else adds keys. */
  readonly file?: {
    readonly path: string;
    readonly passphraseKey?: {
      readonly derivation: PassphraseKey["derivation"];
      /** Base64. */
      readonly key: string;
    };
  };
}

/** What protects the master keys of a data directory, or replaces them. */
export type GivenMasterKey =
  | { readonly passphrase: string }
  /** 32 bytes each: the current key first, then earlier ones. None is kept in the data directory. */
  | { readonly keys: readonly Uint8Array[] };

/** Reads the files that the settings name. Throws ConfigurationError. */
export async function readGivenMasterKey(
  settings: Pick<
    Configuration,
    "masterKeyPassphrase" | "masterKeyPassphraseFile" | "masterKeyFile"
  >,
): Promise<GivenMasterKey | undefined> {
  const { masterKeyPassphrase, masterKeyPassphraseFile, masterKeyFile } = settings;
  if (masterKeyPassphrase !== undefined) return { passphrase: masterKeyPassphrase };
  if (masterKeyPassphraseFile !== undefined) {
    const option = "--master-key-passphrase-file";
    const content = await readGivenFile(option, masterKeyPassphraseFile);
    // Editors and `echo` end a file with a line break.
    const passphrase = content.replace(/\r?\n$/, "");
    if (passphrase.length >= 8) return { passphrase };
    throw new ConfigurationError(`${option}: the passphrase needs 8 characters or more`);
  }
  if (masterKeyFile === undefined) return undefined;
  const keys = parseExternalMasterKeys(await readGivenFile("--master-key-file", masterKeyFile));
  if (keys !== undefined) return { keys: keys.keys.map(({ bytes }) => bytes) };
  throw new ConfigurationError(
    `--master-key-file: ${masterKeyFile} does not hold 32 bytes in Base64 or hexadecimal digits`,
  );
}

/** The keys of a server whose store is in a directory, or `undefined`: in memory. */
export async function findMasterKeys(
  directory: string | undefined,
  given: GivenMasterKey | undefined,
): Promise<MasterKeySource> {
  if (given !== undefined && "keys" in given) {
    const keys = given.keys.map((bytes) => masterKeyOf(bytes, new Date(0).toISOString()));
    const [current] = keys;
    if (current === undefined) throw new RangeError("no master key was given");
    return sourceOfKeys({ currentId: current.id, keys });
  }
  if (directory === undefined) return sourceOfKeys(createMasterKeys(Date.now()));
  return await loadMasterKeys(directory, given?.passphrase);
}

/** Nobody adds keys to these while the server runs. */
function sourceOfKeys(keys: MasterKeys): MasterKeySource {
  return { document: formatMasterKeys(keys, undefined) };
}

async function readGivenFile(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new ConfigurationError(`${option}: cannot read ${path} (${reason})`, { cause: error });
  }
}

/**
 * Reads the keys of a data directory, and makes them when there are none. Safe against another process
 * that does the same. A file whose keys stand in clear is sealed when there is a passphrase now.
 * Throws ConfigurationError when the file cannot be opened with what was given.
 */
export async function loadMasterKeys(
  directory: string,
  passphrase: string | undefined,
): Promise<MasterKeySource> {
  const path = join(directory, masterKeysFileName);
  const opener = passphrase === undefined ? undefined : { passphrase };
  if ((await readSecretFile(path)) === undefined) {
    const sealedBy = passphrase === undefined ? undefined : derivePassphraseKey(passphrase);
    await createSecretFile(path, formatMasterKeys(createMasterKeys(Date.now()), sealedBy));
  }
  const read = await readFileOf(path, opener);
  if (passphrase === undefined || read.sealedBy !== undefined) return sourceOf(path, read);
  return await changeKeys(directory, opener, (current) => ({
    keys: current.keys,
    sealedBy: current.sealedBy ?? derivePassphraseKey(passphrase),
  }));
}

/** Adds a key, which is then the current one; answers its id. Running servers notice it soon. */
export async function rotateMasterKey(
  directory: string,
  given: GivenMasterKey | undefined,
): Promise<string> {
  if (given !== undefined && "keys" in given) {
    throw new ConfigurationError(
      "--master-key-file is rotated by hand: put a new key in its first line, and leave the others",
    );
  }
  if ((await readSecretFile(join(directory, masterKeysFileName))) === undefined) {
    throw new ConfigurationError(`there is no ${masterKeysFileName} in ${directory}`);
  }
  const source = await changeKeys(directory, given, (current) => ({
    keys: withNewMasterKey(current.keys, Date.now()),
    sealedBy: current.sealedBy,
  }));
  return parseMasterKeys(source.document, undefined).keys.currentId;
}

/** The ring of this process. `onFailure` is told when a changed file cannot be read; the ring stays. */
export function openMasterKeyRing(
  source: MasterKeySource,
  onFailure: (error: unknown) => void,
): MasterKeyRing {
  const { keys } = parseMasterKeys(source.document, undefined);
  const { file } = source;
  if (file === undefined) return new MasterKeyRing(keys);
  const opener = openerOf(file.passphraseKey);
  // Unknown: the file may have changed since the source was made.
  let seen = "";
  const reload = (): MasterKeys | undefined => {
    try {
      const identity = identityOf(file.path);
      if (identity === seen) return undefined;
      seen = identity;
      return parseMasterKeys(readFileSync(file.path, "utf8"), opener).keys;
    } catch (error) {
      onFailure(error);
      return undefined;
    }
  };
  return new MasterKeyRing(keys, { reload });
}

async function changeKeys(
  directory: string,
  opener: { readonly passphrase: string } | undefined,
  change: (current: ReadMasterKeys) => ReadMasterKeys,
): Promise<MasterKeySource> {
  const path = join(directory, masterKeysFileName);
  return await withFileLock(join(directory, lockFileName), async () => {
    // Under the lock: of two that add a key at the same time, neither loses the other's.
    const changed = change(await readFileOf(path, opener));
    await replaceSecretFile(path, formatMasterKeys(changed.keys, changed.sealedBy));
    return sourceOf(path, changed);
  });
}

async function readFileOf(
  path: string,
  opener: { readonly passphrase: string } | undefined,
): Promise<ReadMasterKeys> {
  const text = await readSecretFile(path);
  if (text === undefined) throw new Error(`${path} vanished while it was being made`);
  try {
    return parseMasterKeys(text, opener);
  } catch (error) {
    if (!(error instanceof MasterKeyDocumentError)) throw error;
    const hint =
      opener === undefined
        ? "; give the passphrase with HOLDFAST_MASTER_KEY_PASSPHRASE or --master-key-passphrase-file"
        : "";
    const isSealed = error.message.startsWith("is sealed");
    throw new ConfigurationError(`${path} ${error.message}${isSealed ? hint : ""}`, {
      cause: error,
    });
  }
}

function sourceOf(path: string, { keys, sealedBy }: ReadMasterKeys): MasterKeySource {
  const passphraseKey = sealedBy && {
    derivation: sealedBy.derivation,
    key: Buffer.from(sealedBy.bytes).toString("base64"),
  };
  const file = passphraseKey === undefined ? { path } : { path, passphraseKey };
  return { document: formatMasterKeys(keys, undefined), file };
}

function openerOf(
  passphraseKey: NonNullable<MasterKeySource["file"]>["passphraseKey"],
): { readonly key: PassphraseKey } | undefined {
  if (passphraseKey === undefined) return undefined;
  const { derivation, key } = passphraseKey;
  return { key: { derivation, bytes: Buffer.from(key, "base64") } };
}

/** Differs after each replacement of the file. */
function identityOf(path: string): string {
  const { ino, size, mtimeNs } = statSync(path, { bigint: true });
  return `${ino}/${size}/${mtimeNs}`;
}

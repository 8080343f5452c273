// Which master keys a store was used with. A server that does not have one of them any more must not
// go on as if nothing were missing: it would seal new data by a new key, and answer errors for the rest.

import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import {
  decodeMasterKeyWitness,
  keys,
  masterKeyIdIn,
  ranges,
  type MasterKeyWitness,
} from "./key-records.ts";
import type { MasterKeyRing } from "./master-key-ring.ts";
import { encodeRecord } from "../storage/record-codec.ts";

/** The message is for the administrator. */
export class MasterKeyMissingError extends Error {
  override readonly name = "MasterKeyMissingError";
  readonly code = "MASTER_KEY_MISSING";
}

const witnessText = Buffer.from("holdfast");
/** More keys than anybody rotates through. */
const maximumWitnesses = 10_000;

/**
 * Throws MasterKeyMissingError when something in the store may be sealed by a key that the ring does
 * not have; otherwise records that the ring's current key is in use.
 */
export async function checkMasterKeys(store: KeyValueStore, ring: MasterKeyRing): Promise<void> {
  const range = { ...ranges.masterKeys(), limit: maximumWitnesses };
  const { ranges: results } = await store.read({ ranges: [range] });
  const witnesses = (results[0] ?? []).map(({ key, value }) => ({
    id: masterKeyIdIn(key),
    sealed: decodeMasterKeyWitness(value).sealed,
  }));
  for (const { id, sealed } of witnesses) {
    if (!ring.hasKey(id)) throw missing(id);
    ring.open(sealed, contextOf(id));
  }
  const { currentId } = ring;
  if (witnesses.some(({ id }) => id === currentId)) return;
  const witness: MasterKeyWitness = { v: 1, sealed: ring.seal(witnessText, contextOf(currentId)) };
  const key = keys.masterKey(currentId);
  // Where another process was first, its witness says the same.
  await store.write({
    checks: [{ key, revision: null }],
    sets: [{ key, value: encodeRecord(witness) }],
    deletes: [],
    additions: [],
  });
}

function contextOf(id: string): string {
  return `master-key/${id}`;
}

function missing(id: string): MasterKeyMissingError {
  return new MasterKeyMissingError(
    `the store holds data that is sealed by master key ${id}, which was not given: ` +
      "restore master-keys.json, or the file of --master-key-file, from a backup",
  );
}

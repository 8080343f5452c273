// How the bytes of one object are sealed: what its record says of it, and the keys to act on that.

import type { Extent, ObjectEncryption } from "../records/object-record.ts";
import { KeySealError } from "../../keys/sealer.ts";
import { newDataKey, StreamKeys } from "./chunk-cipher.ts";
import type { KeyWrap } from "./key-wrap.ts";
import { currentSealForm, type Layers } from "./sealed-form.ts";
import type { SharedDataKey } from "./shared-data-key.ts";

export interface ObjectSeal {
  readonly encryption: ObjectEncryption;
  readonly wrap: KeyWrap;
  /** Wraps the keys of a second layer; `undefined`: there is one layer. */
  readonly outerWrap?: KeyWrap | undefined;
  /** For what is one chunk; `undefined`: each has a data key of its own. */
  readonly shared?: SharedDataKey | undefined;
}

/** What an extent says of its seal. */
export type ExtentSeal = Pick<Extent, "seal" | "outerSeal" | "sealForm">;

/** The keys of a stream that was just sealed: kept until a commit names the stream. */
export interface DataKeys {
  readonly plain: readonly Uint8Array[];
  readonly keys: StreamKeys;
}

export function layersOf(seal: Pick<ObjectSeal, "outerWrap">): Layers {
  return seal.outerWrap === undefined ? 1 : 2;
}

export function newDataKeys(layers: Layers): DataKeys {
  const plain = layers === 1 ? [newDataKey()] : [newDataKey(), newDataKey()];
  return { plain, keys: new StreamKeys(plain, currentSealForm) };
}

function wrapKeys(plain: readonly Uint8Array[], seal: ObjectSeal): ExtentSeal {
  const [inner, outer] = plain;
  if (inner === undefined || plain.length !== layersOf(seal)) {
    throw new KeySealError("a stream has another number of layers than its object");
  }
  const wrapped = { seal: seal.wrap.wrap(inner) };
  if (outer === undefined || seal.outerWrap === undefined) return wrapped;
  return { ...wrapped, outerSeal: seal.outerWrap.wrap(outer) };
}

/** What an extent says of a stream that this server sealed just now. */
export function wrapNewKeys(plain: readonly Uint8Array[], seal: ObjectSeal): ExtentSeal {
  return { ...wrapKeys(plain, seal), sealForm: currentSealForm };
}

/** Throws KeySealError. */
export function unwrapKeys(extent: ExtentSeal, seal: ObjectSeal | undefined): Uint8Array[] {
  if (extent.seal === undefined) return [];
  if (seal === undefined) throw new KeySealError("this store was opened without keys");
  const plain = [seal.wrap.unwrap(extent.seal)];
  if (extent.outerSeal === undefined) return plain;
  if (seal.outerWrap === undefined) {
    throw new KeySealError("a stream has another number of layers than its object");
  }
  return [...plain, seal.outerWrap.unwrap(extent.outerSeal)];
}

/** The same stream's keys under other wraps. */
export function rewrapKeys<Each extends Extent>(
  extent: Each,
  from: ObjectSeal | undefined,
  to: ObjectSeal,
): Each {
  const { seal: _, outerSeal: __, ...place } = extent;
  // The rest keeps its kind: only the optional members were taken off.
  return { ...(place as Each), ...wrapKeys(unwrapKeys(extent, from), to) };
}

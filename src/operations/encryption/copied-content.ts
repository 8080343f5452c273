// Copies between kinds of encryption. Mostly the keys of the source's streams are wrapped anew and no
// byte moves; where the target has another number of layers, or the source is stored as it came, bytes
// are read and sealed again.

import { createHash } from "node:crypto";
import { createChecksum } from "../../body/checksum.ts";
import type { ChecksumAlgorithm } from "../../body/checksum.ts";
import { longBodyBytes } from "../../model/limits.ts";
import { readableContent } from "../../objects/archives.ts";
import type { SealChange } from "../../objects/contents.ts";
import type { RelocatedContent, RelocationSeals } from "../../objects/relocations.ts";
import type { ReceivedContent } from "../../objects/received-content.ts";
import type { ObjectEncryption, ObjectRecord } from "../../objects/records/object-record.ts";
import { layersOf, type ObjectSeal } from "../../objects/sealing/object-seal.ts";
import type { OperationContext } from "../operation.ts";
import { etagFor, isMd5Shown } from "./encryption-settings.ts";

export interface CopySeals {
  /** `undefined`: the store's own keys, or none. */
  readonly from: ObjectSeal | undefined;
  readonly to: ObjectSeal | undefined;
}

export function movesBytes(
  encryption: ObjectEncryption | undefined,
  to: ObjectSeal | undefined,
): boolean {
  if (to === undefined) return false;
  if (encryption === undefined) return true;
  return (encryption.kind === "aws:kms:dsse") !== (layersOf(to) === 2);
}

/** What happens to the keys of a source whose bytes stay; `undefined`: nothing. */
export function changeOfSeals(
  encryption: ObjectEncryption | undefined,
  { from, to }: CopySeals,
  { store }: OperationContext,
): SealChange | undefined {
  if (encryption === undefined || to === undefined) return undefined;
  if (encryption.kind === "AES256" && to.encryption.kind === "AES256") return undefined;
  return { from: from ?? store.contents.defaultSeal, to };
}

/** The MD5 of a version's content, when it is known without reading that. */
export function knownMd5(
  { etag, encryption }: ObjectRecord,
  seal: ObjectSeal | undefined,
): string | undefined {
  if (isMd5Shown(encryption)) return etag.includes("-") ? undefined : etag;
  if (encryption === undefined || !("sealedMd5" in encryption)) return undefined;
  const sealed = encryption.sealedMd5;
  if (sealed === undefined || seal === undefined) return undefined;
  return Buffer.from(seal.wrap.unwrap(sealed)).toString("hex");
}

/** The copy of an object with parts keeps its ETag, whose form says already that it is no MD5. */
export function copiedEtag(
  record: ObjectRecord,
  md5Hex: string | undefined,
  to: ObjectSeal | undefined,
): string {
  return record.etag.includes("-") ? record.etag : etagFor(to, md5Hex ?? record.etag);
}

export interface CopyTarget {
  readonly seals: RelocationSeals;
  /** Of the copy. */
  readonly storageClass: string | undefined;
}

/** A source's bytes in the store that the copy's storage class wants; `undefined`: they lie there. */
export async function relocateForCopy(
  record: ObjectRecord,
  { seals, storageClass }: CopyTarget,
  { store, clock, signal }: OperationContext,
): Promise<RelocatedContent | undefined> {
  const content = readableContent(record, clock.now());
  const tier = store.tiers.of(storageClass);
  const { defaultSeal } = store.contents;
  const known =
    seals === "as they are"
      ? seals
      : { from: seals.from ?? defaultSeal, to: seals.to ?? defaultSeal };
  // The version's own bytes are what the commit would share, whatever copy of them is read.
  if (await store.relocations.isAt(record.content, tier, known)) return undefined;
  return store.relocations.copy(content, tier, known, signal);
}

export interface MovedContent {
  readonly received: ReceivedContent;
  readonly md5Hex: string;
  readonly checksum: { readonly algorithm: ChecksumAlgorithm; readonly value: string };
}

export interface MoveTarget {
  readonly seals: CopySeals;
  /** Of the object that the bytes are for. */
  readonly storageClass: string | undefined;
  readonly context: OperationContext;
}

/** Reads bytes of a version and stores them under another seal; waste until they are attached. */
export async function moveBytes(
  record: ObjectRecord,
  range: { readonly start: number; readonly end: number },
  algorithm: ChecksumAlgorithm,
  { seals, storageClass, context }: MoveTarget,
): Promise<MovedContent> {
  const { contents, tiers } = context.store;
  const lengthBytes = range.end - range.start;
  const md5 = createHash("md5");
  const running = createChecksum(algorithm);
  const source = readableContent(record, context.clock.now());
  const bytes = await contents.open(source, range.start, range.end, seals.from);
  const tier = tiers.of(storageClass);
  const received = await contents.receive(digested(), lengthBytes, seals.to, tier);
  const value = Buffer.from(running.digest()).toString("base64");
  return { received, md5Hex: md5.digest("hex"), checksum: { algorithm, value } };

  async function* digested(): AsyncGenerator<Uint8Array, void, void> {
    for await (const chunk of bytes instanceof Uint8Array ? [bytes] : bytes) {
      context.signal.throwIfAborted();
      md5.update(chunk);
      running.update(chunk);
      // A short stream is collected, and what is read may be good only until the next chunk.
      yield lengthBytes > longBodyBytes ? chunk : Buffer.from(chunk);
    }
  }
}

// The lifecycle of buckets as requests and the worker ask for it: the rules of a bucket, and what they
// announce of an object or an upload. Costs nothing where a bucket has no lifecycle.

import { S3Error } from "../model/errors.ts";
import type { BucketDocuments } from "./bucket-documents.ts";
import type { LifecycleDays } from "./lifecycle-days.ts";
import { lifecycleKind, parseLifecycle } from "./lifecycle-document.ts";
import {
  findAbortion,
  findExpiration,
  type ActiveLifecycle,
  type Due,
  type VersionFacts,
} from "./lifecycle-rules.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { isDeleteMarker, type ObjectRecord, type VersionRecord } from "./records/object-record.ts";
import { keys } from "./records/keyspace.ts";
import {
  decodeLifecycleState,
  type LifecycleStateRecord,
} from "./records/lifecycle-state-record.ts";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { UploadRecord } from "./records/upload-record.ts";

export class Lifecycle {
  readonly days: LifecycleDays;
  readonly #store: KeyValueStore;
  readonly #documents: BucketDocuments;

  constructor(options: {
    readonly store: KeyValueStore;
    readonly documents: BucketDocuments;
    readonly days: LifecycleDays;
  }) {
    this.days = options.days;
    this.#store = options.store;
    this.#documents = options.documents;
  }

  /** What was done of the bucket's configuration; `undefined`: nothing yet. */
  async state(bucket: BucketRecord): Promise<LifecycleStateRecord | undefined> {
    const documentId = bucket.documents?.[lifecycleKind];
    if (documentId === undefined) return undefined;
    const { gets } = await this.#store.read({ gets: [keys.lifecycleState(bucket.id)] });
    const state = gets[0] === undefined ? undefined : decodeLifecycleState(gets[0].value);
    // What was done of another configuration says nothing of this one.
    return state?.documentId === documentId ? state : undefined;
  }

  /** The rules that can act; `undefined` where there are none. Throws S3Error NoSuchBucket. */
  async find(bucket: BucketRecord): Promise<ActiveLifecycle | undefined> {
    const found = await this.#documents.get(bucket, lifecycleKind, parseLifecycle);
    return found === undefined || found.active.rules.length === 0 ? undefined : found.active;
  }

  /** When a current version ends. `undefined` at once, and no promise, where there is no lifecycle. */
  expirationOf(
    bucket: BucketRecord,
    key: string,
    record: ObjectRecord,
  ): Promise<Due | undefined> | undefined {
    if (!hasLifecycle(bucket)) return undefined;
    return this.#ask(bucket, (lifecycle) =>
      findExpiration(lifecycle, factsOf(key, record), this.days),
    );
  }

  /** When an upload is aborted, in the same way. */
  abortionOf(
    bucket: BucketRecord,
    key: string,
    { initiatedMilliseconds }: UploadRecord,
  ): Promise<Due | undefined> | undefined {
    if (!hasLifecycle(bucket)) return undefined;
    return this.#ask(bucket, (lifecycle) =>
      findAbortion(lifecycle, { key, initiatedMilliseconds }, this.days),
    );
  }

  /** An announcement must not fail a write that is done: of a bucket that has gone there is none. */
  async #ask(
    bucket: BucketRecord,
    rule: (lifecycle: ActiveLifecycle) => Due | undefined,
  ): Promise<Due | undefined> {
    try {
      const lifecycle = await this.find(bucket);
      return lifecycle && rule(lifecycle);
    } catch (error) {
      if (error instanceof S3Error && error.code === "NoSuchBucket") return undefined;
      throw error;
    }
  }
}

function hasLifecycle(bucket: BucketRecord): boolean {
  return bucket.documents?.[lifecycleKind] !== undefined;
}

/** What rules look at in a version's record. */
export function factsOf(key: string, record: VersionRecord): VersionFacts {
  const { lastModifiedMilliseconds } = record;
  if (isDeleteMarker(record)) {
    return { key, sizeBytes: 0, tags: undefined, storageClass: "", lastModifiedMilliseconds };
  }
  const { tags, storageClass = "STANDARD" } = record.attributes;
  return { key, sizeBytes: record.sizeBytes, tags, storageClass, lastModifiedMilliseconds };
}

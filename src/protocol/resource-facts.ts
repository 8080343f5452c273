// What authorization looks at of buckets and objects, read from the store: once for each bucket of a
// request, and objects only when a decision asks for them.

import type { ObjectFacts } from "../access/decide.ts";
import { compileBucketPolicy } from "../access/bucket-policy.ts";
import type { ResourceFacts } from "../access/request-authorization.ts";
import { S3Error } from "../model/errors.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { BucketRecord } from "../objects/records/bucket-record.ts";

type Facts = Awaited<ReturnType<ResourceFacts["bucket"]>>;

/** By record: one and the same object stands for the same stored bytes. */
const factsByRecord = new WeakMap<BucketRecord, Facts>();

export class StoreFacts implements ResourceFacts {
  readonly #store: ObjectStore;
  readonly #buckets = new Map<string, Promise<Facts>>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  bucket(name: string): Promise<Facts> {
    let found = this.#buckets.get(name);
    if (found === undefined) {
      found = this.#read(name);
      this.#buckets.set(name, found);
    }
    return found;
  }

  async object(
    bucketName: string,
    key: string,
    versionId: string | undefined,
  ): Promise<ObjectFacts | undefined> {
    const { ownerId } = await this.bucket(bucketName);
    try {
      const { record } = await this.#store.versions.find(bucketName, key, versionId);
      return {
        ownerId: record.owner?.id ?? ownerId,
        acl: record.acl,
        tags: record.attributes.tags ?? [],
      };
    } catch (error) {
      // Missing, or a delete marker: whether the caller may know is decided elsewhere.
      if (error instanceof S3Error) return undefined;
      throw error;
    }
  }

  async #read(name: string): Promise<Facts> {
    const record = await this.#store.buckets.get(name);
    return factsByRecord.get(record) ?? this.#make(record);
  }

  async #make(record: BucketRecord): Promise<Facts> {
    const policy = await this.#store.documents.get(record, "policy", compileBucketPolicy);
    const facts = describeBucket(record, policy);
    factsByRecord.set(record, facts);
    return facts;
  }
}

function describeBucket(
  record: BucketRecord,
  policy: ReturnType<typeof compileBucketPolicy> | undefined,
): Facts {
  return {
    name: record.name,
    ownerAccountId: record.ownerAccountId,
    ownerId: record.ownerId,
    hasAcls: record.objectOwnership !== "BucketOwnerEnforced",
    acl: record.acl,
    policy: policy?.compiled,
    isPolicyPublic: policy?.isPublic(record.name) ?? false,
    publicAccessBlock: record.publicAccessBlock,
    ...(record.isAbacEnabled === true ? { tags: record.tags } : {}),
  };
}

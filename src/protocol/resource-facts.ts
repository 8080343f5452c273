// What authorization looks at of buckets and objects, read from the store: once for each bucket of a
// request, and objects only when a decision asks for them. The object that a request reads is looked up
// once for both: what was judged is what is answered, and no read more than without authorization.

import { compileBucketPolicy } from "../access/bucket-policy.ts";
import type { ObjectFacts } from "../access/decide.ts";
import { effectivePublicAccessBlock } from "../access/public-access-block.ts";
import type { ResourceFacts } from "../access/request-authorization.ts";
import type { PublicAccessBlock } from "../model/access-control-list.ts";
import { S3Error } from "../model/errors.ts";
import { readMetricsRules, type MetricsRules } from "../objects/metrics-rules.ts";
import type { ObjectStore } from "../objects/object-store.ts";
import type { BucketRecord } from "../objects/records/bucket-record.ts";
import type { FoundObject } from "../objects/versions.ts";

/** A bucket whose owner wants its requests counted. */
export interface MeteredBucket {
  readonly name: string;
  readonly metrics: MetricsRules;
}

type Facts = Awaited<ReturnType<ResourceFacts["bucket"]>> & Partial<Pick<MeteredBucket, "metrics">>;

/** By record: one and the same object stands for the same stored bytes. */
const factsByRecord = new WeakMap<BucketRecord, Facts>();

interface Look {
  readonly bucketName: string;
  readonly key: string;
  readonly versionId: string | undefined;
  readonly found: Promise<FoundObject>;
}

export class StoreFacts implements ResourceFacts {
  readonly #store: ObjectStore;
  /** A request is about one bucket, a copy about two. */
  #buckets: Map<string, Promise<Facts>> | undefined;
  /** The object that the request reads. */
  #look: Look | undefined;
  #isTaken = false;
  #known: Facts | undefined;
  #metered: MeteredBucket[] | undefined;

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** Looks up the object that the request is going to read. A failure is for who asks for it. */
  async lookAt(bucketName: string, key: string, versionId: string | undefined): Promise<void> {
    const found = this.#store.versions.find(bucketName, key, versionId);
    this.#look = { bucketName, key, versionId, found };
    try {
      this.#known = factsByRecord.get((await found).bucket);
      if (this.#known?.metrics !== undefined) this.#meter(this.#known, this.#known.metrics);
    } catch {
      // See above.
    }
  }

  /** Whether it was asked about any bucket. */
  get isUsed(): boolean {
    return this.#look !== undefined || this.#buckets !== undefined;
  }

  /** Of the buckets that were looked at, those whose requests are counted; absent: none. */
  get metered(): readonly MeteredBucket[] | undefined {
    return this.#metered;
  }

  /** Whether counting asks for tags of objects. */
  get areTagsMetered(): boolean {
    return this.#metered?.some(({ metrics }) => metrics.looksAtTags) === true;
  }

  /** Of the object that was looked at; `undefined`: none was. */
  async lookedTags(): Promise<Tags | undefined> {
    try {
      return this.#look === undefined
        ? undefined
        : ((await this.#look.found).record.attributes.tags ?? []);
    } catch (error) {
      if (error instanceof S3Error) return [];
      throw error;
    }
  }

  async publicAccessBlock(name: string): Promise<PublicAccessBlock | undefined> {
    return this.#blockOf((await this.#lookedBucket(name)) ?? (await this.#store.buckets.get(name)));
  }

  known(name: string): Facts | undefined {
    return this.#known?.name === name ? this.#known : undefined;
  }

  /** As `Versions.find`; the object that was looked up before is handed out once. */
  find(bucketName: string, key: string, versionId: string | undefined): Promise<FoundObject> {
    const look = this.#look;
    if (look === undefined || this.#isTaken || !isSame(look, bucketName, key, versionId)) {
      return this.#store.versions.find(bucketName, key, versionId);
    }
    this.#isTaken = true;
    return look.found;
  }

  bucket(name: string): Promise<Facts> {
    this.#buckets ??= new Map();
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
    const look = this.#look;
    const isLooked = look !== undefined && isSame(look, bucketName, key, versionId);
    try {
      const { record } = await (isLooked
        ? look.found
        : this.#store.versions.find(bucketName, key, versionId));
      const { owner, acl, attributes } = record;
      return { ownerId: owner?.id ?? ownerId, acl, tags: attributes.tags ?? [] };
    } catch (error) {
      // Missing, or a delete marker: whether the caller may know is decided elsewhere.
      if (error instanceof S3Error) return undefined;
      throw error;
    }
  }

  async #read(name: string): Promise<Facts> {
    const record = (await this.#lookedBucket(name)) ?? (await this.#store.buckets.get(name));
    const facts = factsByRecord.get(record) ?? (await this.#make(record));
    if (facts.metrics !== undefined) this.#meter(facts, facts.metrics);
    // Nothing lets strangers in, so that nothing depends on what the account blocks.
    if (facts.policy === undefined && !facts.hasAcls) return facts;
    return { ...facts, publicAccessBlock: await this.#blockOf(record) };
  }

  async #blockOf({
    ownerAccountId,
    publicAccessBlock,
  }: BucketRecord): Promise<PublicAccessBlock | undefined> {
    const accountBlock = await this.#store.accountSettings.publicAccessBlockOf(ownerAccountId);
    if (accountBlock === undefined) return publicAccessBlock;
    return effectivePublicAccessBlock(publicAccessBlock, accountBlock);
  }

  async #lookedBucket(name: string): Promise<BucketRecord | undefined> {
    if (this.#look?.bucketName !== name) return undefined;
    try {
      return (await this.#look.found).bucket;
    } catch (error) {
      if (error instanceof S3Error) return undefined;
      throw error;
    }
  }

  #meter({ name }: Facts, metrics: MetricsRules): void {
    const metered = (this.#metered ??= []);
    if (!metered.some((bucket) => bucket.name === name)) metered.push({ name, metrics });
  }

  async #make(record: BucketRecord): Promise<Facts> {
    const policy = await this.#store.documents.get(record, "policy", compileBucketPolicy);
    const metrics = await readMetricsRules(this.#store.documents, record);
    const facts: Facts = {
      ...describeBucket(record, policy),
      ...(metrics === undefined ? {} : { metrics }),
    };
    factsByRecord.set(record, facts);
    return facts;
  }
}

type Tags = readonly (readonly [key: string, value: string])[];

function isSame(
  look: Look,
  bucketName: string,
  key: string,
  versionId: string | undefined,
): boolean {
  return look.key === key && look.bucketName === bucketName && look.versionId === versionId;
}

function describeBucket(
  record: BucketRecord,
  policy: ReturnType<typeof compileBucketPolicy> | undefined,
): Facts {
  return {
    name: record.name,
    isRequesterPays: record.requestPayer === "Requester",
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

// The configurations of a bucket that are too long for its record: policy, CORS, lifecycle and so on.
// The record names each by a random id, and a document never changes under its id: what was parsed
// once stays good as long as the record names it, on every worker.

import { randomBytes } from "node:crypto";
import type { KeyValueStore } from "../storage/key-value/key-value-store.ts";
import type { Transaction } from "../storage/key-value/transaction.ts";
import { transact } from "../storage/key-value/transaction.ts";
import type { Buckets } from "./buckets.ts";
import type { BucketRecord } from "./records/bucket-record.ts";
import { keys } from "./records/keyspace.ts";
import { encodeRecord } from "../storage/record-codec.ts";

/** `policy`, or with a name for configurations of which a bucket has many: `inventory/report-1`. */
export type DocumentKind = string;

const cachedDocuments = 2048;
const attempts = 8;

export class BucketDocuments {
  readonly #store: KeyValueStore;
  readonly #buckets: Buckets;
  // By document id and parser; ids are never used again.
  readonly #parsed = new Map<string, { readonly parse: unknown; readonly value: unknown }>();

  constructor(options: { readonly store: KeyValueStore; readonly buckets: Buckets }) {
    this.#store = options.store;
    this.#buckets = options.buckets;
  }

  /**
   * Keeps, replaces or (with `undefined`) removes a document. `change` sees the record in the
   * transaction, may return another one to store with it, and may throw to refuse. Throws S3Error
   * NoSuchBucket.
   */
  async set(
    bucketName: string,
    kind: DocumentKind,
    text: string | undefined,
    change: (record: BucketRecord) => BucketRecord = (record) => record,
  ): Promise<BucketRecord> {
    return transact(this.#store, async (transaction) => {
      const before = await this.#buckets.getForWrite(transaction, bucketName);
      const after = this.#replace(transaction, change(before), kind, text);
      if (after !== before) transaction.set(keys.bucket(bucketName), encodeRecord(after));
      return after;
    });
  }

  /**
   * What `parse` makes of a document; `undefined` when the bucket has none. Pass one and the same
   * function for one kind: its result is kept. Nothing is read for a bucket without the document, and
   * usually nothing for one with it.
   */
  async get<Value>(
    bucket: BucketRecord,
    kind: DocumentKind,
    parse: (text: string) => Value,
  ): Promise<Value | undefined> {
    let record = bucket;
    for (let attempt = 1; ; attempt += 1) {
      const id = record.documents?.[kind];
      if (id === undefined) return undefined;
      const known = this.#parsed.get(id);
      if (known?.parse === parse) return known.value as Value; // kept with the same parser
      const text = await this.#read(record, id);
      if (text !== undefined) return this.#keep(id, parse, parse(text));
      // Replaced since the record was read.
      if (attempt === attempts) throw new Error("a bucket's document is missing");
      record = await this.#buckets.get(bucket.name);
    }
  }

  /** As `get`, where the document's text need not be read for it: only then it can be had at once. */
  getKept<Value>(
    bucket: BucketRecord,
    kind: DocumentKind,
    parse: (text: string) => Value,
  ): Value | undefined {
    const id = bucket.documents?.[kind];
    const known = id === undefined ? undefined : this.#parsed.get(id);
    return known?.parse === parse ? (known.value as Value) : undefined; // kept with the same parser
  }

  /** The text of a document as it was set. */
  async getText(bucket: BucketRecord, kind: DocumentKind): Promise<string | undefined> {
    return this.get(bucket, kind, asText);
  }

  /** Names of the documents of a kind that comes with names, in their order: of `inventory/…`. */
  namesOf(bucket: BucketRecord, kind: string): readonly string[] {
    const prefix = `${kind}/`;
    return Object.keys(bucket.documents ?? {})
      .filter((each) => each.startsWith(prefix))
      .map((each) => each.slice(prefix.length))
      .toSorted();
  }

  async #read(record: BucketRecord, id: string): Promise<string | undefined> {
    const { gets } = await this.#store.read({ gets: [keys.document(record.id, id)] });
    const value = gets[0]?.value;
    return value === undefined ? undefined : Buffer.from(value).toString("utf8");
  }

  #keep<Value>(id: string, parse: (text: string) => Value, value: Value): Value {
    if (this.#parsed.size >= cachedDocuments) this.#parsed.clear();
    this.#parsed.set(id, { parse, value });
    return value;
  }

  #replace(
    transaction: Transaction,
    record: BucketRecord,
    kind: DocumentKind,
    text: string | undefined,
  ): BucketRecord {
    const { [kind]: earlier, ...others } = record.documents ?? {};
    if (earlier === undefined && text === undefined) return record;
    if (earlier !== undefined) transaction.delete(keys.document(record.id, earlier));
    if (text === undefined) return { ...record, documents: others };
    const id = randomBytes(12).toString("base64url");
    transaction.set(keys.document(record.id, id), Buffer.from(text, "utf8"));
    return { ...record, documents: { ...others, [kind]: id } };
  }
}

function asText(text: string): string {
  return text;
}

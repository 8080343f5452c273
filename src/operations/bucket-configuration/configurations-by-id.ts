// What the configurations have in common of which a bucket has many, each with an id: bounds, pages and
// refusals. Each is a document of its own (`metrics/<id>`, `inventory/<id>` …).

import { S3Error } from "../../model/errors.ts";
import { configurationsPerBucket, listedConfigurations } from "../../model/limits.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import type { Operation } from "../operation.ts";
import { decodeToken, encodeToken } from "../bucket/listing-arguments.ts";

/** How one kind of them is kept. */
export interface ConfigurationKind<Configuration extends { readonly Id: string }> {
  /** The first part of the documents' kind. */
  readonly kind: string;
  readonly format: (configuration: Configuration) => string;
  /** One and the same function for every call: what it makes is kept. */
  readonly parse: (text: string) => Configuration;
  /** The service's word for a body that names another id than the address; it differs by kind. */
  readonly mismatch: "IdMismatch" | "MalformedXML";
}

export interface ConfigurationPage<Configuration> {
  readonly configurations: readonly Configuration[] | undefined;
  /** The members that every list's answer has beside the configurations. */
  readonly paging: {
    readonly IsTruncated: boolean;
    readonly ContinuationToken: string | undefined;
    readonly NextContinuationToken: string | undefined;
  };
}

/** "The ID has a 64 character limit and can only contain letters, numbers, periods, dashes, and underscores." */
const idPattern = /^[\w.-]{1,64}$/;

/** `id` is the address's. Throws S3Error; what it says of a wrong form is not published and ours. */
export function checkConfigurationId<Configuration extends { readonly Id: string }>(
  { mismatch }: ConfigurationKind<Configuration>,
  id: string,
  configuration: Configuration,
): void {
  if (configuration.Id !== id) throw new S3Error(mismatch);
  if (idPattern.test(id)) return;
  throw new S3Error("InvalidArgument", {
    message:
      "The configuration ID must have 1 to 64 letters, digits, periods, dashes or underscores",
    fields: { ArgumentName: "id", ArgumentValue: id },
  });
}

/** Keeps or replaces one. Throws S3Error TooManyConfigurations, NoSuchBucket. */
export async function putConfiguration<Configuration extends { readonly Id: string }>(
  store: ObjectStore,
  bucketName: string,
  { kind, format }: ConfigurationKind<Configuration>,
  configuration: Configuration,
): Promise<void> {
  const { Id: id } = configuration;
  await store.documents.set(bucketName, `${kind}/${id}`, format(configuration), (bucket) => {
    const ids = store.documents.namesOf(bucket, kind);
    if (ids.length >= configurationsPerBucket && !ids.includes(id)) {
      throw new S3Error("TooManyConfigurations");
    }
    return bucket;
  });
}

/** Throws S3Error NoSuchConfiguration, NoSuchBucket. */
export async function getConfiguration<Configuration extends { readonly Id: string }>(
  store: ObjectStore,
  bucketName: string,
  { kind, parse }: ConfigurationKind<Configuration>,
  id: string,
): Promise<Configuration> {
  const bucket = await store.buckets.get(bucketName);
  const found = await store.documents.get(bucket, `${kind}/${id}`, parse);
  if (found === undefined) throw noSuchConfiguration(bucket);
  return found;
}

/** The same of each kind. */
type Deletion = OperationTypes["DeleteBucketMetricsConfiguration"];

/** The operation that takes one away. It throws S3Error NoSuchConfiguration, NoSuchBucket. */
export function createDeletion(kind: string): Operation<Deletion["input"], Deletion["output"]> {
  return async ({ Bucket, Id }, { store }) => {
    await store.documents.set(Bucket, `${kind}/${Id}`, undefined, (bucket) => {
      if (bucket.documents?.[`${kind}/${Id}`] === undefined) throw noSuchConfiguration(bucket);
      return bucket;
    });
    return {};
  };
}

/** By id, a hundred to a page. Throws S3Error NoSuchBucket, and InvalidArgument for a wrong token. */
export async function listConfigurations<Configuration extends { readonly Id: string }>(
  store: ObjectStore,
  input: { readonly Bucket: string; readonly ContinuationToken?: string | undefined },
  { kind, parse }: ConfigurationKind<Configuration>,
): Promise<ConfigurationPage<Configuration>> {
  const { ContinuationToken: token } = input;
  const bucket = await store.buckets.get(input.Bucket);
  const after = token === undefined ? "" : decodeToken(token);
  const ids = store.documents.namesOf(bucket, kind).filter((id) => id > after);
  const shown = ids.slice(0, listedConfigurations);
  const configurations: Configuration[] = [];
  for (const id of shown) {
    const found = await store.documents.get(bucket, `${kind}/${id}`, parse);
    if (found !== undefined) configurations.push(found);
  }
  const isTruncated = ids.length > shown.length;
  const last = shown.at(-1);
  return {
    configurations: configurations.length === 0 ? undefined : configurations,
    paging: {
      IsTruncated: isTruncated,
      ContinuationToken: token,
      NextContinuationToken: isTruncated && last !== undefined ? encodeToken(last) : undefined,
    },
  };
}

function noSuchConfiguration({ name }: BucketRecord): S3Error {
  return new S3Error("NoSuchConfiguration", { fields: { BucketName: name } });
}

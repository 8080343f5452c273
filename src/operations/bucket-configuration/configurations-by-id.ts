// What the configurations have in common of which a bucket has many, each with an id: bounds, pages and
// refusals. Each is a document of its own (`metrics/<id>`, `inventory/<id>` …).

import { S3Error } from "../../model/errors.ts";
import { configurationsPerBucket, listedConfigurations } from "../../model/limits.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { ObjectStore } from "../../objects/object-store.ts";
import { decodeToken, encodeToken } from "../bucket/listing-arguments.ts";

/** How one kind of them is kept. */
export interface ConfigurationKind<Configuration extends { readonly Id: string }> {
  /** The first part of the documents' kind. */
  readonly kind: string;
  readonly format: (configuration: Configuration) => string;
  /** One and the same function for every call: what it makes is kept. */
  readonly parse: (text: string) => Configuration;
}

export interface ConfigurationPage<Configuration> {
  readonly configurations: readonly Configuration[] | undefined;
  readonly isTruncated: boolean;
  readonly nextToken: string | undefined;
}

/** "The ID has a 64 character limit and can only contain letters, numbers, periods, dashes, and underscores." */
const idPattern = /^[\w.-]{1,64}$/;

/** Throws S3Error. Which code the service has for it is not published; the words are ours. */
export function checkConfigurationId(id: string): void {
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

/** Throws S3Error NoSuchConfiguration, NoSuchBucket. */
export async function deleteConfiguration(
  store: ObjectStore,
  bucketName: string,
  kind: string,
  id: string,
): Promise<void> {
  await store.documents.set(bucketName, `${kind}/${id}`, undefined, (bucket) => {
    if (bucket.documents?.[`${kind}/${id}`] === undefined) throw noSuchConfiguration(bucket);
    return bucket;
  });
}

/** By id, a hundred to a page. Throws S3Error NoSuchBucket, and InvalidArgument for a wrong token. */
export async function listConfigurations<Configuration extends { readonly Id: string }>(
  store: ObjectStore,
  bucketName: string,
  { kind, parse }: ConfigurationKind<Configuration>,
  token: string | undefined,
): Promise<ConfigurationPage<Configuration>> {
  const bucket = await store.buckets.get(bucketName);
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
    isTruncated,
    nextToken: isTruncated && last !== undefined ? encodeToken(last) : undefined,
  };
}

function noSuchConfiguration({ name }: BucketRecord): S3Error {
  return new S3Error("NoSuchConfiguration", { fields: { BucketName: name } });
}

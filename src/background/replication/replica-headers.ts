// What a version is beside its bytes, as headers and documents of requests to another server.

import { aclGroups } from "../../model/access-control-list.ts";
import type { ObjectAttributes, ObjectRecord } from "../../objects/records/object-record.ts";
import type { CompiledRule } from "../../objects/replication-rules.ts";
import { escapeXml } from "../../remote/s3-client.ts";

type Headers = Record<string, string | undefined>;

/** What a Holdfast says of a replica to another one. */
export const replicaHeader = "x-amz-holdfast-replica";

const namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"';

/** Of PutObject and CreateMultipartUpload. A retention that has ended is no business of the replica's. */
export function headersOf(
  { attributes, lock, encryption }: ObjectRecord,
  { destination }: CompiledRule,
  options: { readonly keepsTags: boolean; readonly nowMilliseconds: number },
): Headers {
  const { retention, legalHold } = lock ?? {};
  const isRetained =
    retention !== undefined && retention.untilMilliseconds > options.nowMilliseconds;
  const isKms = encryption?.kind === "aws:kms" || encryption?.kind === "aws:kms:dsse";
  return {
    ...describeAttributes(attributes),
    "x-amz-storage-class": destination.StorageClass ?? attributes.storageClass,
    "x-amz-tagging": options.keepsTags ? formatTags(attributes.tags) : undefined,
    "x-amz-object-lock-mode": isRetained ? retention.mode : undefined,
    "x-amz-object-lock-retain-until-date": isRetained
      ? new Date(retention.untilMilliseconds).toISOString()
      : undefined,
    "x-amz-object-lock-legal-hold": legalHold,
    "x-amz-server-side-encryption": isKms ? encryption.kind : undefined,
    "x-amz-server-side-encryption-aws-kms-key-id": isKms
      ? destination.EncryptionConfiguration?.ReplicaKmsKeyID
      : undefined,
  };
}

/** What the other server is to compare the bytes with. */
export function integrityHeaders({ etag, checksum, encryption }: ObjectRecord): Headers {
  const isMd5 = isPlainEtag({ encryption }) && !etag.includes("-");
  return {
    ...(isMd5 ? { "content-md5": Buffer.from(etag, "hex").toString("base64") } : {}),
    ...(checksum?.type === "FULL_OBJECT"
      ? checksumHeaders(checksum.algorithm, checksum.value)
      : {}),
  };
}

/** Of bytes that are sent. The algorithm by itself too: some servers keep a checksum only with it. */
export function checksumHeaders(algorithm: string, value: string): Headers {
  return {
    "x-amz-sdk-checksum-algorithm": algorithm,
    [checksumHeader(algorithm)]: value,
  };
}

export function checksumHeader(algorithm: string): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** Whether the ETag says something about the content. */
export function isPlainEtag({
  encryption,
}: {
  readonly encryption?: ObjectRecord["encryption"] | undefined;
}): boolean {
  return encryption === undefined || encryption.kind === "AES256";
}

export function taggingDocument(tags: NonNullable<ObjectAttributes["tags"]>): string {
  const set = tags
    .map(([key, value]) => `<Tag>${element("Key", key)}${element("Value", value)}</Tag>`)
    .join("");
  return `<Tagging ${namespace}><TagSet>${set}</TagSet></Tagging>`;
}

export function retentionDocument(mode: string, untilMilliseconds: number): string {
  const until = new Date(untilMilliseconds).toISOString();
  return `<Retention ${namespace}>${element("Mode", mode)}${element("RetainUntilDate", until)}</Retention>`;
}

export function legalHoldDocument(status: string): string {
  return `<LegalHold ${namespace}>${element("Status", status)}</LegalHold>`;
}

export function completionDocument(
  parts: readonly { readonly number: number; readonly etag: string; readonly checksum?: Headers }[],
): string {
  const listed = parts
    .map(({ number, etag, checksum = {} }) => {
      const sums = Object.entries(checksum).map(([name, value = ""]) => element(name, value));
      return `<Part>${element("PartNumber", String(number))}${element("ETag", etag)}${sums.join("")}</Part>`;
    })
    .join("");
  return `<CompleteMultipartUpload ${namespace}>${listed}</CompleteMultipartUpload>`;
}

/**
 * The canned name of a list that says the same on every server; `undefined` for one that names accounts,
 * which mean nothing elsewhere.
 */
export function cannedAclOf(
  { acl, owner }: ObjectRecord,
  bucketOwnerId: string,
): string | undefined {
  if (acl === undefined) return "private";
  const ownerId = owner?.id ?? bucketOwnerId;
  const others = acl.filter(
    ({ grantee, permission }) =>
      !(
        grantee.kind === "canonical-user" &&
        grantee.id === ownerId &&
        permission === "FULL_CONTROL"
      ),
  );
  const named = others.map(({ grantee, permission }) =>
    grantee.kind === "group" ? `${grantee.uri} ${permission}` : "an account",
  );
  const grants = [...new Set(named)].toSorted().join(", ");
  switch (grants) {
    case "":
      return "private";
    case `${aclGroups.allUsers} READ`:
      return "public-read";
    case `${aclGroups.allUsers} READ, ${aclGroups.allUsers} WRITE`:
      return "public-read-write";
    case `${aclGroups.authenticatedUsers} READ`:
      return "authenticated-read";
    default:
      return undefined;
  }
}

function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

function describeAttributes(attributes: ObjectAttributes): Headers {
  const headers: Headers = {
    "content-type": attributes.contentType,
    "cache-control": attributes.cacheControl,
    "content-disposition": attributes.contentDisposition,
    "content-encoding": attributes.contentEncoding,
    "content-language": attributes.contentLanguage,
    expires: attributes.expires,
    "x-amz-website-redirect-location": attributes.websiteRedirectLocation,
  };
  for (const [name, value] of Object.entries(attributes.userMetadata ?? {})) {
    headers[`x-amz-meta-${name}`] = encodeMetadata(value);
  }
  return headers;
}

/** RFC 2047, as S3 itself answers what is not ASCII. */
function encodeMetadata(value: string): string {
  if (/^[\x20-\x7e]*$/.test(value)) return value;
  return `=?UTF-8?B?${Buffer.from(value, "utf8").toString("base64")}?=`;
}

function formatTags(tags: ObjectAttributes["tags"]): string | undefined {
  if (tags === undefined || tags.length === 0) return undefined;
  return tags
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join("&");
}

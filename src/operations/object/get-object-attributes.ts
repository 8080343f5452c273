// GetObjectAttributes: chosen facts about a version, its parts among them.

import { S3Error } from "../../model/errors.ts";
import { listedKeys } from "../../model/limits.ts";
import type { GetObjectAttributesParts, OperationTypes } from "../../model/types.generated.ts";
import type { ObjectRecord, StoredChecksum } from "../../objects/records/object-record.ts";
import { parsePartNumberMarker } from "../bucket/listing-arguments.ts";
import { checkReadKey } from "../encryption/object-seals.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { checksumMember } from "./checksum-members.ts";
import { shownVersionId } from "./object-members.ts";
import { whenReplacedAgain } from "./read-object.ts";

type Input = OperationTypes["GetObjectAttributes"]["input"];
type Output = OperationTypes["GetObjectAttributes"]["output"];

const attributeNames = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"];

export const getObjectAttributes: Operation<Input, Output> = (input, context) =>
  whenReplacedAgain(async () => {
    const asked = new Set(input.ObjectAttributes.map((name) => name.trim()));
    for (const name of asked) if (!attributeNames.includes(name)) throw invalidName(name);
    if (asked.size === 0) throw invalidName("");
    const { Bucket, Key, VersionId } = input;
    const { bucket, record } = await context.objects.find(Bucket, Key, VersionId);
    checkReadKey(record.encryption, input, context);
    return {
      LastModified: new Date(record.lastModifiedMilliseconds),
      VersionId: shownVersionId(bucket, record),
      ETag: asked.has("ETag") ? record.etag : undefined,
      Checksum:
        asked.has("Checksum") && record.checksum !== undefined
          ? {
              ...checksumMember(withoutPartCount(record.checksum)),
              ChecksumType: record.checksum.type,
            }
          : undefined,
      ObjectParts: asked.has("ObjectParts")
        ? await describeParts(input, record, context)
        : undefined,
      StorageClass: asked.has("StorageClass")
        ? (record.attributes.storageClass ?? "STANDARD")
        : undefined,
      ObjectSize: asked.has("ObjectSize") ? record.sizeBytes : undefined,
    };
  });

/** Every other answer ends a composite value with `-` and the number of parts; here S3 does not. */
function withoutPartCount({ algorithm, value }: StoredChecksum): Omit<StoredChecksum, "type"> {
  return { algorithm, value: value.replace(/-\d+$/, "") };
}

async function describeParts(
  input: Input,
  record: ObjectRecord,
  { store }: OperationContext,
): Promise<GetObjectAttributesParts | undefined> {
  const { content, checksum } = record;
  if (!("layout" in content)) return undefined;
  const { parts } = await store.contents.layouts.get(content.layout);
  const marker = parsePartNumberMarker(input.PartNumberMarker);
  const limit = Math.min(input.MaxParts ?? listedKeys, listedKeys);
  const following = parts.filter((part) => part.number > marker);
  const page = following.slice(0, limit);
  return {
    TotalPartsCount: parts.length,
    PartNumberMarker: String(marker),
    NextPartNumberMarker: String(page.at(-1)?.number ?? 0),
    MaxParts: limit,
    IsTruncated: following.length > page.length,
    Parts: page.map((part) => ({
      PartNumber: part.number,
      Size: part.sizeBytes,
      ...(part.checksum === undefined || checksum === undefined
        ? {}
        : checksumMember({ algorithm: checksum.algorithm, value: part.checksum })),
    })),
  };
}

function invalidName(name: string): S3Error {
  return new S3Error("InvalidArgument", {
    message: "Invalid attribute name specified.",
    fields: { ArgumentName: "x-amz-object-attributes", ArgumentValue: name },
  });
}

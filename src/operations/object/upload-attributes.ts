// What an upload says about the object beside its bytes: read from the inputs of PutObject,
// CopyObject and CreateMultipartUpload, judged once, kept until the object is read.

import { S3Error } from "../../model/errors.ts";
import { isStorageClass } from "../../model/storage-classes.ts";
import type { PutObjectInput } from "../../model/types.generated.ts";
import type { ObjectAttributes } from "../../objects/records/object-record.ts";
import { checkTags } from "./tag-set.ts";

export type AttributeMembers = Pick<
  PutObjectInput,
  | "CacheControl"
  | "ContentDisposition"
  | "ContentEncoding"
  | "ContentLanguage"
  | "ContentType"
  | "Expires"
  | "Metadata"
  | "StorageClass"
  | "WebsiteRedirectLocation"
  | "Tagging"
>;

type Mutable<Type> = { -readonly [Member in keyof Type]: Type[Member] };

/** What S3 says of an object that was uploaded without a type. */
export const defaultContentType = "binary/octet-stream";

/** Throws S3Error InvalidStorageClass, InvalidRedirectLocation, InvalidTag, InvalidArgument. */
export function readAttributes(input: AttributeMembers): ObjectAttributes {
  return { ...readHeaders(input), ...readPlacement(input), ...readTags(input.Tagging) };
}

/** The attributes that CopyObject's metadata directive is about. */
export function readHeaders(input: AttributeMembers): ObjectAttributes {
  const attributes: Mutable<ObjectAttributes> = {};
  if (input.ContentType !== undefined) attributes.contentType = input.ContentType;
  if (input.CacheControl !== undefined) attributes.cacheControl = input.CacheControl;
  if (input.ContentDisposition !== undefined) {
    attributes.contentDisposition = input.ContentDisposition;
  }
  const encoding = withoutChunkCoding(input.ContentEncoding);
  if (encoding !== undefined) attributes.contentEncoding = encoding;
  if (input.ContentLanguage !== undefined) attributes.contentLanguage = input.ContentLanguage;
  if (input.Expires !== undefined) attributes.expires = input.Expires;
  if (input.Metadata !== undefined && Object.keys(input.Metadata).length > 0) {
    attributes.userMetadata = input.Metadata;
  }
  return attributes;
}

/** The attributes that no directive copies. */
export function readPlacement(input: AttributeMembers): ObjectAttributes {
  const attributes: Mutable<ObjectAttributes> = {};
  const { StorageClass: storageClass, WebsiteRedirectLocation: redirect } = input;
  if (storageClass !== undefined) {
    if (!isStorageClass(storageClass)) {
      throw new S3Error("InvalidStorageClass", { fields: { StorageClassRequested: storageClass } });
    }
    if (storageClass !== "STANDARD") attributes.storageClass = storageClass;
  }
  if (redirect !== undefined) {
    if (!/^(?:\/|https?:\/\/)/.test(redirect)) {
      throw new S3Error("InvalidRedirectLocation");
    }
    attributes.websiteRedirectLocation = redirect;
  }
  return attributes;
}

/** The tags of the x-amz-tagging header, which is written like a query string. */
export function readTags(header: string | undefined): Pick<ObjectAttributes, "tags"> {
  if (header === undefined || header === "") return {};
  const tags: (readonly [string, string])[] = [];
  for (const pair of header.split("&")) {
    const position = pair.indexOf("=");
    const key = decodeQueryText(position < 0 ? pair : pair.slice(0, position));
    const value = position < 0 ? "" : decodeQueryText(pair.slice(position + 1));
    tags.push([key, value]);
  }
  checkTags(tags, "object");
  return tags.length === 0 ? {} : { tags };
}

/** `aws-chunked` describes the transfer, not the object (PutObject, signature streaming). */
function withoutChunkCoding(encoding: string | undefined): string | undefined {
  if (encoding === undefined || !/aws-chunked/i.test(encoding)) return encoding;
  const rest = encoding
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "" && part.toLowerCase() !== "aws-chunked");
  return rest.length === 0 ? undefined : rest.join(",");
}

function decodeQueryText(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new S3Error("InvalidArgument", {
      message:
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without tag name duplicates.",
      fields: { ArgumentName: "x-amz-tagging", ArgumentValue: text },
    });
  }
}

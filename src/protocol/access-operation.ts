// How records of access name what was asked for: "REST.HTTP_method.resource_type" ("Amazon S3 server access
// log format", User Guide). The resource types are those of records that people have published.

import type { Exchange } from "./exchange.ts";

/** Where the name of a sub-resource is not that of the query's parameter. */
const subResources: Readonly<Record<string, string>> = {
  abac: "BUCKET_ABAC",
  annotation: "OBJECT_ANNOTATIONS",
  "legal-hold": "OBJECT_LOCK_LEGALHOLD",
  logging: "LOGGING_STATUS",
  "object-lock": "OBJECT_LOCK_CONFIGURATION",
  torrent: "OBJECT_TORRENT",
  policy: "BUCKETPOLICY",
  retention: "OBJECT_LOCK_RETENTION",
  versions: "BUCKETVERSIONS",
};

/** Operations that are named by what they do. */
const named: Readonly<Record<string, string>> = {
  AbortMultipartUpload: "REST.DELETE.UPLOAD",
  CompleteMultipartUpload: "REST.POST.UPLOAD",
  CopyObject: "REST.COPY.OBJECT",
  CreateMultipartUpload: "REST.POST.UPLOADS",
  DeleteObjects: "REST.POST.MULTI_OBJECT_DELETE",
  DeleteObjectTagging: "REST.DELETE.OBJECT_TAGGING",
  GetObjectAttributes: "REST.GET.OBJECT_ATTRIBUTES",
  GetObjectTagging: "REST.GET.OBJECT_TAGGING",
  ListMultipartUploads: "REST.GET.UPLOADS",
  ListParts: "REST.GET.UPLOAD",
  PostObject: "REST.POST.OBJECT",
  Preflight: "REST.OPTIONS.PREFLIGHT",
  PutObjectTagging: "REST.PUT.OBJECT_TAGGING",
  SelectObjectContent: "REST.SELECT.OBJECT",
  UploadPart: "REST.PUT.PART",
  UploadPartCopy: "REST.COPY.PART",
};

/** Also of what was refused before it became an operation. */
export function operationOf({ routed, service, request, address }: Exchange): string {
  if (service === "website") return `WEBSITE.${request.method}.OBJECT`;
  const known = routed && named[routed.name];
  if (known !== undefined) return known;
  const literal = routed?.query.find(({ value }) => value === "")?.name;
  if (literal !== undefined) return `REST.${request.method}.${resourceOf(literal)}`;
  return `REST.${request.method}.${address?.key === undefined ? "BUCKET" : "OBJECT"}`;
}

/** `publicAccessBlock` is `PUBLIC_ACCESS_BLOCK`, and `intelligent-tiering` `INTELLIGENT_TIERING`. */
function resourceOf(literal: string): string {
  const words = literal.replaceAll("-", "_").replaceAll(/[A-Z]/g, (letter) => `_${letter}`);
  return subResources[literal] ?? words.toUpperCase();
}

/** Of the record that a copy leaves in the log of the bucket that it reads. */
export function sourceOperationOf({ routed }: Exchange): string {
  return routed?.name === "UploadPartCopy" ? "REST.COPY.PART_GET" : "REST.COPY.OBJECT_GET";
}

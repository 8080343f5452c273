// ListObjectAnnotations: the annotations of a version in the order of their names' bytes, in pages.

import type { AnnotationEntry, OperationTypes } from "../../model/types.generated.ts";
import type { NamedAnnotation } from "../../objects/annotations.ts";
import { decodeToken, encodeToken, given, pageLimit } from "../bucket/listing-arguments.ts";
import type { Operation } from "../operation.ts";
import { annotationReplication } from "./annotation-members.ts";
import { checkAnnotationPrefix } from "./annotation-name.ts";
import { quoteEtag, shownVersionId } from "./object-members.ts";

type Input = OperationTypes["ListObjectAnnotations"]["input"];
type Output = OperationTypes["ListObjectAnnotations"]["output"];

export const listObjectAnnotations: Operation<Input, Output> = async (input, { store }) => {
  const { Key: key, ContinuationToken: token } = input;
  const limit = pageLimit(input.MaxAnnotationResults, "max-annotation-results");
  const prefix = given(input.AnnotationPrefix);
  if (prefix !== undefined) checkAnnotationPrefix(prefix);
  const after = token === undefined ? undefined : decodeToken(token);
  const { bucket, record } = await store.versions.find(input.Bucket, key, input.VersionId);
  const version = { bucket: bucket.id, key, record };
  const listed = await store.annotations.list(version, { prefix, after, limit: limit + 1 });
  const page = listed.slice(0, limit);
  const last = listed.length > limit ? page.at(-1) : undefined;
  const status = annotationReplication(record);
  return {
    Annotations: page.map((each) => describe(each, status)),
    Bucket: input.Bucket,
    Key: key,
    ObjectVersionId: shownVersionId(bucket, record),
    AnnotationPrefix: prefix,
    MaxAnnotationResults: limit,
    AnnotationCount: page.length,
    ContinuationToken: token,
    NextContinuationToken: last && encodeToken(last.name),
  };
};

function describe({ name, record }: NamedAnnotation, status: string | undefined): AnnotationEntry {
  return {
    AnnotationName: name,
    LastModified: new Date(record.lastModifiedMilliseconds),
    Size: record.sizeBytes,
    ETag: quoteEtag(record.etag),
    ChecksumAlgorithm: [record.checksum.algorithm],
    ReplicationStatus: status,
  };
}

// GetObjectAnnotation: the text of one annotation. Also of a version whose own bytes are archived.

import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import type { Operation } from "../operation.ts";
import { annotationEncryption, annotationReplication } from "./annotation-members.ts";
import { isAnnotationName } from "./annotation-name.ts";
import { checksumMember } from "./checksum-members.ts";
import { quoteEtag, shownVersionId } from "./object-members.ts";
import { whenReplacedAgain } from "./read-object.ts";

type Input = OperationTypes["GetObjectAnnotation"]["input"];
type Output = OperationTypes["GetObjectAnnotation"]["output"];

export const getObjectAnnotation: Operation<Input, Output> = (input, context) =>
  whenReplacedAgain(async () => {
    const { store } = context;
    const { Key: key, AnnotationName: name } = input;
    const { bucket, record } = await store.versions.find(input.Bucket, key, input.VersionId);
    const annotation = isAnnotationName(name)
      ? await store.annotations.find({ bucket: bucket.id, key, record }, name)
      : undefined;
    if (annotation === undefined) {
      throw new S3Error("NoSuchAnnotation", { fields: { Key: key, AnnotationName: name } });
    }
    const { extents, sizeBytes, checksum } = annotation;
    const { encryption } = record;
    const seal = await openObjectSeal({ bucket, key, encryption }, {}, context);
    const stream = await store.contents.open({ extents }, 0, sizeBytes, seal);
    const shown = input.ChecksumMode?.toUpperCase() === "ENABLED";
    return {
      AnnotationPayload: { stream, lengthBytes: sizeBytes },
      ObjectVersionId: shownVersionId(bucket, record),
      LastModified: new Date(annotation.lastModifiedMilliseconds),
      ETag: quoteEtag(annotation.etag),
      ...(shown ? { ...checksumMember(checksum), ChecksumType: checksum.type } : {}),
      ServerSideEncryption: annotationEncryption(encryption),
      ReplicationStatus: annotationReplication(record),
    };
  });

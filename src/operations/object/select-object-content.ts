// SelectObjectContent: what a query finds in an object, as a stream of events. The rules of SQL and of the
// formats are in `select/`.

import { inOnePiece } from "../../base/bytes.ts";
import { S3Error } from "../../model/errors.ts";
import type { OperationTypes } from "../../model/types.generated.ts";
import { archiveOf, readableContent } from "../../objects/archives.ts";
import type { ObjectRecord } from "../../objects/records/object-record.ts";
import type { FoundObject } from "../../objects/versions.ts";
import { runSelect } from "../../select/run-select.ts";
import type { ObjectBytes } from "../../select/select-request.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { whenReplacedAgain } from "./read-object.ts";
import { parseScanRange, parseSelectRequest } from "./select-settings.ts";

type Input = OperationTypes["SelectObjectContent"]["input"];
type Output = OperationTypes["SelectObjectContent"]["output"];

export const selectObjectContent: Operation<Input, Output> = async (input, context) => {
  // Reference: this operation does not support anonymous access.
  if (context.caller.kind === "anonymous") throw new S3Error("AccessDenied");
  const request = parseSelectRequest(input);
  return whenReplacedAgain(async () => {
    const found = await context.objects.find(input.Bucket, input.Key, undefined);
    const { bucket, record } = found;
    checkStorageClass(record);
    const range = parseScanRange(input.ScanRange, request.input, record.sizeBytes);
    const object = await openObject(found, input, context);
    const { clock, signal, store } = context;
    const nowMilliseconds = clock.now();
    const selection = { object, request: { ...request, range }, nowMilliseconds, signal };
    const events = runSelect(selection);
    // What is wrong from the beginning is a status and no event.
    await events.next();
    store.tiering.noteAccess({ bucketName: bucket.name, key: input.Key }, record);
    store.analyticsCounts.noteRead(bucket, input.Key, record, record.sizeBytes);
    return { Payload: events };
  });
};

async function openObject(
  { bucket, record }: FoundObject,
  input: Input,
  context: OperationContext,
): Promise<ObjectBytes> {
  const { encryption, sizeBytes } = record;
  const content = readableContent(record, context.clock.now());
  if (archiveOf(record) !== undefined) throw new S3Error("UnsupportedStorageClass");
  const seal = await openObjectSeal({ bucket, key: input.Key, encryption }, input, context);
  const { contents } = context.store;
  return {
    sizeBytes,
    async open(start, end) {
      const bytes = await contents.open(content, start, end, seal);
      return bytes instanceof Uint8Array ? inOnePiece(bytes) : bytes;
    },
  };
}

/** Guide: Reduced Redundancy cannot be queried. What lies in an archive says so itself, restored or not. */
function checkStorageClass({ attributes }: ObjectRecord): void {
  if (attributes.storageClass === "REDUCED_REDUNDANCY") {
    throw new S3Error("UnsupportedStorageClass");
  }
}

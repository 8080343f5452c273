// GetObject: the bytes of a version, all of them or a range, streamed with constant memory.

import type { OperationTypes } from "../../model/types.generated.ts";
import { readableContent } from "../../objects/archives.ts";
import { openObjectSeal } from "../encryption/object-seals.ts";
import type { Operation } from "../operation.ts";
import { Reply } from "../operation.ts";
import { viewObject, whenReplacedAgain } from "./read-object.ts";

type Input = OperationTypes["GetObject"]["input"];
type Output = OperationTypes["GetObject"]["output"];

export const getObject: Operation<Input, Output> = (input, context) =>
  whenReplacedAgain(async () => {
    const { found, range, status, members } = await viewObject(input, context);
    const { start, end } = range;
    const { bucket, record } = found;
    const { encryption } = record;
    const content = readableContent(record, context.clock.now());
    const seal = await openObjectSeal({ bucket, key: input.Key, encryption }, input, context);
    const stream = await context.store.contents.open(content, start, end, seal);
    context.store.tiering.noteAccess({ bucketName: bucket.name, key: input.Key }, record);
    context.store.analyticsCounts.noteRead(bucket, input.Key, record, end - start);
    const { ContentLength: _, ArchiveStatus: __, ...shared } = members;
    return new Reply<Output>({ ...shared, Body: { stream, lengthBytes: end - start } }, status);
  });

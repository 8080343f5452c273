// GetObject: the bytes of a version, all of them or a range, streamed with constant memory.

import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";
import { Reply } from "../operation.ts";
import { viewObject, whenReplacedAgain } from "./read-object.ts";

type Input = OperationTypes["GetObject"]["input"];
type Output = OperationTypes["GetObject"]["output"];

export const getObject: Operation<Input, Output> = (input, context) =>
  whenReplacedAgain(async () => {
    const { found, range, status, members } = await viewObject(input, context);
    const { start, end } = range;
    const stream = await context.store.contents.open(found.record.content, start, end);
    const { ContentLength: _, ArchiveStatus: __, ...shared } = members;
    return new Reply<Output>({ ...shared, Body: { stream, lengthBytes: end - start } }, status);
  });

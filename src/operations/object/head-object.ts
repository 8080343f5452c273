// HeadObject: what GetObject would say, without the bytes.

import type { OperationTypes } from "../../model/types.generated.ts";
import type { Operation } from "../operation.ts";
import { Reply } from "../operation.ts";
import { viewObject, whenReplacedAgain } from "./read-object.ts";

type Input = OperationTypes["HeadObject"]["input"];
type Output = OperationTypes["HeadObject"]["output"];

export const headObject: Operation<Input, Output> = (input, context) =>
  whenReplacedAgain(async () => {
    const { status, members } = await viewObject(input, context);
    return new Reply<Output>(members, status);
  });

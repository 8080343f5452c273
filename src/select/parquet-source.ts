import type { RowSource } from "./row-source.ts";
import type { ObjectBytes, ScanRange } from "./select-request.ts";
import type { Query } from "./syntax.ts";
import type { ByteCounts } from "./text-blocks.ts";
import type { Timestamp } from "./timestamp.ts";
import type { Value } from "./values.ts";
export async function openParquet(_: {
  object: ObjectBytes;
  query: Query;
  range: ScanRange | undefined;
  now: Timestamp;
  counts: ByteCounts;
}): Promise<RowSource<readonly Value[]>> {
  throw new Error("no");
}

// What is stored of a version that a worker has to look at, at the time in the row's key. Rows say where to
// look, never what to do: that the version's own record says. So a row too many does no harm.

import type { Sequence, VersionId } from "../identifiers.ts";
import { decodeRecord } from "../../storage/record-codec.ts";

export interface DueRecord {
  readonly v: 1;
  readonly bucketName: string;
  readonly key: string;
  readonly versionId: VersionId;
  readonly sequence: Sequence;
}

export function decodeDueRecord(value: Uint8Array): DueRecord {
  return decodeRecord(value, 1) as DueRecord;
}

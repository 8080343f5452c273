// What is stored of an account's own settings of S3.

import type { PublicAccessBlock } from "../../model/access-control-list.ts";
import { decodeRecord } from "../../storage/record-codec.ts";

export interface AccountSettingsRecord {
  readonly v: 1;
  readonly publicAccessBlock?: PublicAccessBlock;
}

export function decodeAccountSettingsRecord(value: Uint8Array): AccountSettingsRecord {
  return decodeRecord(value, 1) as AccountSettingsRecord;
}

// What is stored of an account's own settings of S3.

import type { PublicAccessBlock } from "../../model/access-control-list.ts";
import { decodeRecord } from "../../storage/record-codec.ts";
import type { Quota } from "./quota-record.ts";

export interface AccountSettingsRecord {
  readonly v: 1;
  readonly publicAccessBlock?: PublicAccessBlock;
  readonly quota?: Quota;
}

export function decodeAccountSettingsRecord(value: Uint8Array): AccountSettingsRecord {
  return decodeRecord(value, 1) as AccountSettingsRecord;
}

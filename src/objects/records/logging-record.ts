// What a bucket's record says about server access logging.

import type { AclGrants } from "../../model/access-control-list.ts";

export interface LoggingSettings {
  readonly targetBucket: string;
  readonly targetPrefix: string;
  /** On log objects, beside the owner's; absent: none. */
  readonly grants?: AclGrants;
  /** Absent: not named, which is as `simple`. */
  readonly keyFormat?: "simple" | "partitioned" | "by-event-time" | "by-delivery-time";
}

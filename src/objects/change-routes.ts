// Which configurations of buckets want to know of changes: the routes of the change log, in the order in
// which they are asked.

import type { ChangeRoute } from "./change-log.ts";
import { notificationRoute } from "./notification-route.ts";
import { replicationRoute } from "./replication-route.ts";

// Replication first: it may change the record that is announced.
export const changeRoutes: readonly ChangeRoute[] = [replicationRoute, notificationRoute];

// What the lifecycle of a bucket did last, as the worker left it.

import type { RuleCounts } from "../../objects/records/lifecycle-state-record.ts";
import type { JsonObject } from "../json/json-api.ts";
import { bucketArn, type ManagementActionTable } from "./management-action.ts";

export const lifecycleReportActions: ManagementActionTable<"GetLifecycleReport"> = {
  GetLifecycleReport: {
    subject: ({ Bucket }) => ({ resource: bucketArn(Bucket) }),
    async run({ Bucket }, call) {
      const bucket = await call.getBucket(Bucket);
      const state = await call.dependencies.objects.lifecycle.state(bucket);
      if (state === undefined) return { Bucket, Status: "Waiting" };
      const { startedMilliseconds, finishedMilliseconds, looked, rules, error } = state.report;
      return {
        Bucket,
        Status: finishedMilliseconds === undefined ? "Running" : "Finished",
        StartedAt: new Date(startedMilliseconds).toISOString(),
        ...(finishedMilliseconds === undefined
          ? {}
          : { FinishedAt: new Date(finishedMilliseconds).toISOString() }),
        Looked: looked,
        Rules: Object.entries(rules).map(([id, counts]) => ({ Id: id, ...describeCounts(counts) })),
        ...(error === undefined ? {} : { Error: error }),
      };
    },
  },
};

function describeCounts(counts: RuleCounts): JsonObject {
  const described = Object.entries(counts).map(
    ([name, count]) => [name.charAt(0).toUpperCase() + name.slice(1), count] as const,
  );
  return Object.fromEntries(described);
}

// Reports of inventories: one written at once, and how the last one ended.

import { S3Error } from "../../model/errors.ts";
import { inventoryKind } from "../../objects/inventory-configuration.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { JsonObject } from "../json/json-api.ts";
import {
  bucketArn,
  timeText,
  type ManagementActionTable,
  type ManagementCall,
} from "./management-action.ts";

export const inventoryReportActions: ManagementActionTable<"RunInventory" | "GetInventoryReport"> =
  {
    RunInventory: {
      subject: ({ Bucket }) => ({ resource: bucketArn(Bucket) }),
      async run({ Bucket, Id }, call) {
        const bucket = await findBucket(call, Bucket, Id);
        const { objects, clock, workers } = call.dependencies;
        await objects.inventoryStates.request(bucket, Id, clock.now());
        await workers.run("inventory");
        return describe(call, bucket, Id);
      },
    },
    GetInventoryReport: {
      subject: ({ Bucket }) => ({ resource: bucketArn(Bucket) }),
      async run({ Bucket, Id }, call) {
        return describe(call, await findBucket(call, Bucket, Id), Id);
      },
    },
  };

/** Throws S3Error NoSuchBucket, NoSuchConfiguration. */
async function findBucket(call: ManagementCall, name: string, id: string): Promise<BucketRecord> {
  const bucket = await call.getBucket(name);
  if (bucket.documents?.[`${inventoryKind}/${id}`] === undefined) {
    throw new S3Error("NoSuchConfiguration", { fields: { BucketName: name } });
  }
  return bucket;
}

async function describe(
  call: ManagementCall,
  bucket: BucketRecord,
  id: string,
): Promise<JsonObject> {
  const { inventoryStates } = call.dependencies.objects;
  const { state, isRequested } = await inventoryStates.read(bucket, id);
  const last = state?.last;
  return {
    Bucket: bucket.name,
    Id: id,
    Status: statusOf(state, isRequested),
    ...(state?.failure === undefined ? {} : { Error: state.failure.message }),
    ...(last === undefined
      ? {}
      : {
          Manifest: `s3://${last.destinationBucket}/${last.manifestKey}`,
          StartedAt: timeText(last.startedMilliseconds),
          FinishedAt: timeText(last.finishedMilliseconds),
          Rows: last.rows,
          Files: last.files,
        }),
  };
}

function statusOf(
  state:
    | { readonly failure?: unknown; readonly run?: unknown; readonly last?: unknown }
    | undefined,
  isRequested: boolean,
): string {
  if (isRequested) return "Requested";
  if (state?.failure !== undefined) return "Failing";
  if (state?.run !== undefined) return "Running";
  return state?.last === undefined ? "Waiting" : "Finished";
}

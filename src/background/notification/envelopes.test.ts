import assert from "node:assert/strict";
import { test } from "node:test";
import type { NotificationDetails } from "../../objects/notification-rules.ts";
import type { ChangeRecord } from "../../objects/records/change-record.ts";
import { eventBridgeEnvelope } from "./event-bridge-envelope.ts";
import { encodeKey, recordsEnvelope } from "./records-envelope.ts";

function changeOf(
  event: ChangeRecord["event"],
  details: Partial<NotificationDetails> = {},
  more: Partial<ChangeRecord> = {},
): ChangeRecord {
  return {
    v: 1,
    event,
    timeMilliseconds: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
    requestId: "REQUEST",
    hostId: "HOST",
    principalId: "AWS:AIDAEXAMPLE",
    accountId: "111122223333",
    sourceAddress: "192.0.2.7",
    bucketName: "photos",
    bucketId: "id" as ChangeRecord["bucketId"],
    bucketOwnerId: "canonical",
    bucketOwnerAccountId: "444455556666",
    key: "red flower.jpg",
    versionId: "v1",
    versionSequence: 1,
    sizeBytes: 5,
    etag: "etag",
    sequencer: "00AB",
    details: { configurationId: "rule", envelope: "records", ...details },
    ...more,
  };
}

function recordOf(change: ChangeRecord): Record<string, unknown> {
  const { Records } = JSON.parse(recordsEnvelope(change, "eu-west-1")) as {
    readonly Records: readonly Record<string, unknown>[];
  };
  assert.equal(Records.length, 1);
  return Records[0] ?? {};
}

function detailOf(change: ChangeRecord): Record<string, unknown> {
  const text = eventBridgeEnvelope(change, { id: "uuid", region: "eu-west-1" });
  return JSON.parse(text) as Record<string, unknown>;
}

test("a record is as the guide shows it", () => {
  assert.deepEqual(recordOf(changeOf("ObjectCreated:Put")), {
    eventVersion: "2.5",
    eventSource: "aws:s3",
    awsRegion: "eu-west-1",
    eventTime: "2026-01-02T03:04:05.678Z",
    eventName: "ObjectCreated:Put",
    userIdentity: { principalId: "AWS:AIDAEXAMPLE" },
    requestParameters: { sourceIPAddress: "192.0.2.7" },
    responseElements: { "x-amz-request-id": "REQUEST", "x-amz-id-2": "HOST" },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId: "rule",
      bucket: {
        name: "photos",
        ownerIdentity: { principalId: "canonical" },
        arn: "arn:aws:s3:::photos",
      },
      object: { key: "red+flower.jpg", size: 5, eTag: "etag", versionId: "v1", sequencer: "00AB" },
    },
  });
});

function objectOf(event: ChangeRecord["event"]): unknown {
  return (recordOf(changeOf(event))["s3"] as { readonly object: unknown }).object;
}

test("deletions name no size; only makers and removers of objects have a sequencer", () => {
  const named = { key: "red+flower.jpg", versionId: "v1" };
  const emptyMd5 = "d41d8cd98f00b204e9800998ecf8427e";
  assert.deepEqual(objectOf("ObjectRemoved:Delete"), { ...named, sequencer: "00AB" });
  assert.deepEqual(objectOf("LifecycleExpiration:DeleteMarkerCreated"), {
    ...named,
    eTag: emptyMd5,
    sequencer: "00AB",
  });
  assert.deepEqual(objectOf("ObjectTagging:Put"), { ...named, size: 5, eTag: "etag" });
});

test("events of restoration, transition, tiering and replication tell what belongs to them", () => {
  const restoreExpiryMilliseconds = Date.UTC(2026, 0, 9);
  const restored = changeOf("ObjectRestore:Completed", {
    storageClass: "DEEP_ARCHIVE",
    restoreExpiryMilliseconds,
  });
  assert.deepEqual(recordOf(restored)["glacierEventData"], {
    restoreEventData: {
      lifecycleRestorationExpiryTime: "2026-01-09T00:00:00.000Z",
      lifecycleRestoreStorageClass: "DEEP_ARCHIVE",
    },
  });
  const moved = changeOf("LifecycleTransition", { storageClass: "GLACIER" });
  assert.deepEqual(recordOf(moved)["lifecycleEventData"], {
    transitionEventData: { destinationStorageClass: "GLACIER" },
  });
  const tiered = changeOf("IntelligentTiering", { accessTier: "ARCHIVE_ACCESS" });
  assert.deepEqual(recordOf(tiered)["intelligentTieringEventData"], {
    destinationAccessTier: "ARCHIVE_ACCESS",
  });
  const replication = {
    ruleId: "r",
    destinationBucket: "arn:aws:s3:::copies",
    operation: "OBJECT_PUT",
    requestMilliseconds: 0,
    failureReason: "AssumeRoleNotPermitted",
  };
  const failed = changeOf("Replication:OperationFailedReplication", {}, { replication });
  assert.deepEqual(recordOf(failed)["replicationEventData"], {
    replicationRuleId: "r",
    destinationBucket: "arn:aws:s3:::copies",
    s3Operation: "OBJECT_PUT",
    requestTime: "1970-01-01T00:00:00.000Z",
    failureReason: "AssumeRoleNotPermitted",
  });
  assert.equal(recordOf(changeOf("ObjectLock:Retention"))["eventName"], "ObjectRetention:Put");
});

test("EventBridge is told of whom and why", () => {
  const byService = { principalId: "s3.amazonaws.com", sourceAddress: "s3.amazonaws.com" };
  const expired = changeOf("LifecycleExpiration:Delete", {}, byService);
  assert.deepEqual(detailOf(expired), {
    version: "0",
    id: "uuid",
    "detail-type": "Object Deleted",
    source: "aws.s3",
    account: "444455556666",
    time: "2026-01-02T03:04:05Z",
    region: "eu-west-1",
    resources: ["arn:aws:s3:::photos"],
    detail: {
      version: "0",
      bucket: { name: "photos" },
      object: { key: "red flower.jpg", "version-id": "v1", sequencer: "00AB" },
      "request-id": "REQUEST",
      requester: "s3.amazonaws.com",
      reason: "Lifecycle Expiration",
      "deletion-type": "Permanently Deleted",
    },
  });
  const restored = detailOf(
    changeOf("ObjectRestore:Completed", { storageClass: "GLACIER", restoreExpiryMilliseconds: 0 }),
  )["detail"] as Record<string, unknown>;
  assert.equal(restored["restore-expiry-time"], "1970-01-01T00:00:00Z");
  assert.equal(restored["source-storage-class"], "GLACIER");
  assert.equal(restored["requester"], "111122223333");
  assert.equal(restored["source-ip-address"], "192.0.2.7");
});

test("keys are encoded as in a form, but for slashes", () => {
  assert.equal(encodeKey("a b/ü+(1)*~'.jpg"), "a+b/%C3%BC%2B%281%29*%7E%27.jpg");
});

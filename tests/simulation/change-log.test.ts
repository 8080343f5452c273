// The change log: every change is in its feeds exactly when it happened, in the order of commits.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ManualClock } from "../../src/base/clock.ts";
import { changeRoute, type ChangeRoute } from "../../src/objects/change-log.ts";
import type { FeedRow } from "../../src/objects/feed-rows.ts";
import { ObjectStore } from "../../src/objects/object-store.ts";
import { isDeleteMarker } from "../../src/objects/records/object-record.ts";
import { MemoryBlobStore } from "../../src/storage/blob/memory-blob-store.ts";
import { MemoryKeyValueStore } from "../../src/storage/key-value/memory-key-value-store.ts";
import { causeFor } from "./cause.ts";
import { ObjectClient } from "./object-client.ts";

const bucketName = "watched";

/** Sends changes of keys that begin with the document's text to the feed, and marks records. */
const routeTo = (feed: string): ChangeRoute =>
  changeRoute({
    document: "notification",
    parse: (text) => text,
    route(prefix, { key, record }) {
      if (!key.startsWith(prefix)) return undefined;
      const feeds = [{ feed, details: { prefix } }];
      if (isDeleteMarker(record)) return { feeds };
      const attributes = { ...record.attributes, tags: [["seen", "yes"]] as const };
      return { feeds, record: { ...record, attributes } };
    },
  });

/** Feeds of notifications are queues of the store, others have an entry for each row. */
const forms = { rows: "all", queue: "notification/all" };

async function openWatchedOf(
  feed: string,
  clock = new ManualClock(1_700_000_000_000),
): Promise<ObjectClient> {
  const objects = await ObjectStore.open({
    store: new MemoryKeyValueStore(),
    blobs: new MemoryBlobStore(),
    clock,
    changeRoutes: [routeTo(feed)],
  });
  const client = new ObjectClient(objects);
  await client.createBucket(bucketName);
  return client;
}

async function rowsIn(
  feed: string,
  { objects }: ObjectClient,
  limit = 1000,
): Promise<readonly FeedRow[]> {
  const rows: FeedRow[] = [];
  let after: Uint8Array | undefined;
  do {
    const read = await objects.changes.read(feed, { after, limit });
    rows.push(...read.rows);
    after = read.next;
  } while (after !== undefined);
  return rows;
}

const eventsOf = (rows: readonly FeedRow[]) =>
  rows.map(({ change }) => `${change.event} ${change.key}`);

for (const [form, feed] of Object.entries(forms)) {
  const openWatched = (clock?: ManualClock) => openWatchedOf(feed, clock);
  const rowsOf = (client: ObjectClient, limit?: number) => rowsIn(feed, client, limit);

  describe(`the change log: ${form}`, () => {
    it("holds nothing of a bucket that nobody watches", async () => {
      const client = await openWatched();
      await client.put(bucketName, "key", Buffer.from("1"));
      assert.deepEqual(await rowsOf(client), []);
      assert.deepEqual(await client.objects.changes.sizes(), []);
    });

    it("holds puts, copies, completions, deletions and changes of versions in their order", async () => {
      const client = await openWatched();
      const { objects } = client;
      await objects.documents.set(bucketName, "notification", "in/");
      await client.put(bucketName, "in/a", Buffer.from("1"));
      await client.put(bucketName, "out", Buffer.from("1"));
      await client.copy({ bucketName, key: "out" }, { bucketName, key: "in/b" });
      const uploadId = await client.createUpload(bucketName, "in/c");
      const upload = { bucketName, key: "in/c", uploadId };
      await client.putPart(upload, 1, Buffer.from("part"));
      await client.complete(upload, [1]);
      const place = { bucketName, key: "in/a" };
      const tagging = causeFor("ObjectTagging:Put");
      await objects.writes.changeVersion(place, undefined, tagging, (record) => ({
        ...record,
        attributes: { tags: [["a", "b"]] },
      }));
      await client.delete(bucketName, "in/a");
      await client.delete(bucketName, "in/absent");
      const rows = await rowsOf(client);
      assert.deepEqual(eventsOf(rows), [
        "ObjectCreated:Put in/a",
        "ObjectCreated:Copy in/b",
        "ObjectCreated:CompleteMultipartUpload in/c",
        "ObjectTagging:Put in/a",
        "ObjectRemoved:Delete in/a",
      ]);
      const [put] = rows;
      assert.equal(put?.change.bucketName, bucketName);
      assert.equal(put?.change.versionId, undefined);
      assert.equal(put?.change.sizeBytes, 1);
      assert.equal(put?.change.etag, "c4ca4238a0b923820dcc509a6f75849b");
      assert.deepEqual(put?.change.details, { prefix: "in/" });
      const sequencers = rows.filter(({ change }) => change.key === "in/a");
      const texts = sequencers.map(({ change }) => change.sequencer);
      assert.deepEqual(texts, texts.toSorted());
      assert.equal(new Set(texts).size, 3);
    });

    it("stores the record that a route makes", async () => {
      const client = await openWatched();
      await client.objects.documents.set(bucketName, "notification", "");
      const { record } = await client.put(bucketName, "key", Buffer.from("1"));
      assert.deepEqual(record.attributes.tags, [["seen", "yes"]]);
      assert.deepEqual((await client.find(bucketName, "key")).attributes.tags, [["seen", "yes"]]);
    });

    it("tells delete markers from deletions, and names the versions", async () => {
      const client = await openWatched();
      await client.setVersioning(bucketName, "Enabled");
      await client.objects.documents.set(bucketName, "notification", "");
      const { record } = await client.put(bucketName, "key", Buffer.from("1"));
      const marker = await client.delete(bucketName, "key");
      await client.delete(bucketName, "key", record.versionId);
      await client.delete(bucketName, "key", record.versionId);
      const rows = await rowsOf(client);
      assert.deepEqual(
        rows.map(({ change }) => [change.event, change.versionId]),
        [
          ["ObjectCreated:Put", record.versionId],
          ["ObjectRemoved:DeleteMarkerCreated", marker.versionId],
          ["ObjectRemoved:Delete", record.versionId],
        ],
      );
    });

    it("holds no change that was refused", async () => {
      const client = await openWatched();
      await client.objects.documents.set(bucketName, "notification", "");
      await client.put(bucketName, "key", Buffer.from("1"));
      await assert.rejects(client.put(bucketName, "key", Buffer.from("2"), { ifNoneMatch: "*" }));
      await assert.rejects(client.delete(bucketName, "key", undefined, { ifMatch: "other" }));
      assert.equal((await rowsOf(client)).length, 1);
    });

    it("keeps the order of one key through pages, while the clock stands still or goes back", async () => {
      const clock = new ManualClock(1_700_000_000_000);
      const client = await openWatched(clock);
      await client.setVersioning(bucketName, "Enabled");
      await client.objects.documents.set(bucketName, "notification", "");
      const versions: string[] = [];
      for (let number = 0; number < 60; number += 1) {
        if (number === 30) clock.advance(-5000);
        const { record } = await client.put(bucketName, "key", Buffer.from(String(number)));
        versions.push(record.versionId);
      }
      for (const limit of [1, 7, 1000]) {
        const rows = await rowsOf(client, limit);
        assert.deepEqual(
          rows.map(({ change }) => change.versionId),
          versions,
        );
      }
    });

    it("removes what is finished once, and counts what is left", async () => {
      const client = await openWatched();
      const { changes, documents } = client.objects;
      await documents.set(bucketName, "notification", "");
      for (const key of ["a", "b", "c"]) await client.put(bucketName, key, Buffer.from(key));
      assert.deepEqual(await changes.sizes(feed.slice(0, 1)), [{ feed, rows: 3 }]);
      const rows = await rowsOf(client);
      await changes.finish(feed, rows.slice(0, 2));
      await changes.finish(feed, rows.slice(0, 2));
      assert.deepEqual(await changes.sizes(), [{ feed, rows: 1 }]);
      assert.deepEqual(eventsOf(await rowsOf(client)), ["ObjectCreated:Put c"]);
    });

    it("removes many rows of which some are gone, exactly once", async () => {
      const client = await openWatched();
      const { changes, documents } = client.objects;
      await documents.set(bucketName, "notification", "");
      const names = Array.from({ length: 300 }, (_, index) => `key-${index}`);
      for (const key of names) await client.put(bucketName, key, Buffer.from(key));
      const rows = await rowsOf(client);
      const some = rows.filter((_, index) => index % 3 === 0);
      // Of two that do the same work at the same time, too.
      await Promise.all([changes.finish(feed, rows), changes.finish(feed, some)]);
      assert.deepEqual(await rowsOf(client), []);
      assert.deepEqual(await changes.sizes(), [{ feed, rows: 0 }]);
    });

    it("tells listeners of changes that were committed, and of no others", async () => {
      const client = await openWatched();
      let told = 0;
      let toldOfOthers = 0;
      const end = client.objects.changes.onChange(feed.slice(0, 2), () => (told += 1));
      client.objects.changes.onChange("b", () => (toldOfOthers += 1));
      await client.put(bucketName, "key", Buffer.from("1"));
      assert.equal(told, 0);
      await client.objects.documents.set(bucketName, "notification", "");
      await client.put(bucketName, "key", Buffer.from("2"));
      assert.equal(told, 1);
      end();
      await client.delete(bucketName, "key");
      assert.equal(told, 1);
      assert.equal(toldOfOthers, 0);
    });
  });
}

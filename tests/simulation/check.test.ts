// What `holdfast check` finds: every kind of damage once, and nothing on a sound store, also while
// writers are at work.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { hashNameOf, ReferenceTally } from "../../src/background/check/reference-tally.ts";
import type { Finding } from "../../src/background/check/finding.ts";
import { CheckProgress } from "../../src/background/check/progress.ts";
import type { BucketId } from "../../src/objects/identifiers.ts";
import { decodeAnnotationRecord } from "../../src/objects/records/annotation-record.ts";
import { keys, ranges } from "../../src/objects/records/keyspace.ts";
import type { BlobId } from "../../src/storage/blob/blob-store.ts";
import { encodeCounter } from "../../src/storage/key-value/counter.ts";
import type { Entry } from "../../src/storage/key-value/key-value-store.ts";
import type { KeyRange } from "../../src/storage/key-value/tuple.ts";
import { BlobCorruptError } from "../../src/storage/storage-errors.ts";
import { ManualClock } from "../../src/base/clock.ts";
import { MemoryMachine, sweepAll } from "./memory-process.ts";
import { ObjectClient } from "./object-client.ts";
import { chooseSeed, SeededRandom, withSeed } from "./seeded-random.ts";

const bucketName = "bucket";

/** A store that holds something of every kind. */
class Sample {
  readonly machine = new MemoryMachine();
  #client: ObjectClient | undefined;

  get client(): ObjectClient {
    assert.ok(this.#client);
    return this.#client;
  }

  async fill(): Promise<this> {
    const process = await this.machine.start();
    const client = new ObjectClient(process.objects);
    this.#client = client;
    await client.createBucket(bucketName);
    await client.put(bucketName, "small", Buffer.from("small"));
    await client.put(bucketName, "large", new Uint8Array(500).fill(1));
    await client.copy({ bucketName, key: "large" }, { bucketName, key: "copy" });
    await client.put(bucketName, "versions", Buffer.from("null version"));
    await client.setVersioning(bucketName, "Enabled");
    await client.put(bucketName, "versions", new Uint8Array(300).fill(2));
    await client.put(bucketName, "versions", Buffer.from("newest"));
    await client.put(bucketName, "hidden", Buffer.from("hidden"));
    await client.delete(bucketName, "hidden");
    const annotated = { bucketName, key: "zebra" };
    await client.put(bucketName, "zebra", new Uint8Array(300).fill(5));
    await client.annotate(annotated, "long", new Uint8Array(300).fill(6));
    await client.annotate(annotated, "short", Buffer.from("text"));
    const joined = { bucketName, key: "joined", uploadId: "" };
    joined.uploadId = await client.createUpload(bucketName, "joined");
    await client.putPart(joined, 1, new Uint8Array(200).fill(3));
    await client.putPart(joined, 2, Buffer.from("last part"));
    await client.complete(joined, [1, 2]);
    const open = { bucketName, key: "open", uploadId: "" };
    open.uploadId = await client.createUpload(bucketName, "open");
    await client.putPart(open, 1, new Uint8Array(100).fill(4));
    return this;
  }

  async rows(range: KeyRange): Promise<readonly Entry[]> {
    const { store } = this;
    return (await store.read({ ranges: [{ ...range, limit: 1000 }] })).ranges[0] ?? [];
  }

  get store(): MemoryMachine["keyValueStore"] {
    return this.machine.keyValueStore;
  }

  async set(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.store.write({ checks: [], sets: [{ key, value }], deletes: [], additions: [] });
  }

  async delete(...deletes: Uint8Array[]): Promise<void> {
    await this.store.write({ checks: [], sets: [], deletes, additions: [] });
  }

  async edit(range: KeyRange, change: (record: Record<string, unknown>) => void): Promise<void> {
    const [entry] = await this.rows(range);
    assert.ok(entry);
    const record = JSON.parse(Buffer.from(entry.value).toString()) as Record<string, unknown>;
    change(record);
    await this.set(entry.key, Buffer.from(JSON.stringify(record)));
  }

  async bucketId(): Promise<BucketId> {
    return (await this.client.objects.buckets.get(bucketName)).id;
  }

  async blobOf(key: string): Promise<BlobId> {
    const { content } = await this.client.find(bucketName, key);
    assert.ok("extents" in content);
    const [extent] = content.extents;
    assert.ok(extent !== undefined && "blob" in extent);
    return extent.blob;
  }
}

/** Each damage, and what must be said of it. */
const damages: readonly (readonly [
  name: string,
  damage: (sample: Sample) => Promise<void>,
  expected: readonly { readonly problem: RegExp; readonly place?: Record<string, unknown> }[],
])[] = [
  [
    "a record that is no JSON",
    async (sample) => {
      await sample.set(keys.current(await sample.bucketId(), "small"), Buffer.from("{"));
    },
    [
      { problem: /current version: the record.*cannot be read/, place: { key: "small" } },
      { problem: /content is named by nothing/ },
      { problem: /usage counters are wrong/, place: { bucket: bucketName } },
    ],
  ],
  [
    "an annotation that is gone",
    async (sample) => {
      const [row] = await sample.rows(ranges.allAnnotations());
      assert.ok(row);
      await sample.delete(row.key);
    },
    [
      { problem: /annotations are counted wrongly/, place: { bucket: bucketName, key: "zebra" } },
      { problem: /a counted blob is named by nothing/ },
    ],
  ],
  [
    "an annotation that is longer than its version counts",
    (sample) => sample.edit(ranges.allAnnotations(), (record) => (record["sizeBytes"] = 301)),
    [
      { problem: /annotation: the extents do not add up/, place: { row: "annotation long" } },
      { problem: /annotations are counted wrongly/, place: { key: "zebra" } },
    ],
  ],
  [
    "an annotation of a version that does not exist",
    async (sample) => {
      const [row] = await sample.rows(ranges.allAnnotations());
      assert.ok(row);
      const empty = Buffer.from(
        JSON.stringify({
          ...JSON.parse(Buffer.from(row.value).toString()),
          sizeBytes: 0,
          extents: [],
        }),
      );
      await sample.set(keys.annotation(await sample.bucketId(), "zebra", 1, "note"), empty);
    },
    [{ problem: /annotation: its version does not exist/, place: { row: "annotation note" } }],
  ],
  [
    "an annotation whose inline bytes are gone",
    async (sample) => {
      const [, row] = await sample.rows(ranges.allAnnotations());
      assert.ok(row);
      const { extents } = decodeAnnotationRecord(row.value);
      assert.ok(extents[0] !== undefined && "inline" in extents[0]);
      await sample.delete(keys.inline(extents[0].inline));
    },
    [{ problem: /annotation: inline bytes are missing/, place: { row: "annotation short" } }],
  ],
  [
    "inline bytes that are gone",
    async (sample) => {
      const { content } = await sample.client.find(bucketName, "small");
      assert.ok("extents" in content && content.extents[0] && "inline" in content.extents[0]);
      await sample.delete(keys.inline(content.extents[0].inline));
    },
    [{ problem: /inline bytes are missing/, place: { bucket: bucketName, key: "small" } }],
  ],
  [
    "inline bytes that are cut off",
    async (sample) => {
      const { content } = await sample.client.find(bucketName, "small");
      assert.ok("extents" in content && content.extents[0] && "inline" in content.extents[0]);
      await sample.set(keys.inline(content.extents[0].inline), Buffer.from("smal"));
    },
    [{ problem: /inline bytes are too short/, place: { key: "small", versionId: "null" } }],
  ],
  [
    "inline bytes that were changed",
    async (sample) => {
      const { content } = await sample.client.find(bucketName, "small");
      assert.ok("extents" in content && content.extents[0] && "inline" in content.extents[0]);
      await sample.set(
        keys.inline(content.extents[0].inline),
        Buffer.from("smelt and 16 bytes of tag"),
      );
    },
    [{ problem: /inline bytes do not match their checksum/, place: { key: "small" } }],
  ],
  [
    "inline bytes that nothing names",
    async (sample) => {
      await sample.set(keys.inline("0".repeat(32) as never), Buffer.from("lost"));
    },
    [{ problem: /content is named by nothing/ }],
  ],
  [
    "a size that the extents do not add up to",
    async (sample) => {
      const range = ranges.currentFrom(await sample.bucketId(), "large", undefined);
      await sample.edit(range, (record) => (record["sizeBytes"] = 501));
    },
    [
      { problem: /extents do not add up/, place: { key: "large" } },
      { problem: /usage counters are wrong/ },
    ],
  ],
  [
    "a layout that is gone",
    async (sample) => {
      const { content } = await sample.client.find(bucketName, "joined");
      assert.ok("layout" in content);
      await sample.delete(keys.layout(content.layout));
    },
    [
      { problem: /the layout is missing/, place: { key: "joined" } },
      { problem: /a counted blob is named by nothing/ },
      { problem: /content is named by nothing/ },
    ],
  ],
  [
    "parts that do not add up",
    async (sample) => {
      await sample.edit(ranges.layouts(), (record) => {
        (record["parts"] as { sizeBytes: number }[])[0]!.sizeBytes = 1;
      });
    },
    [
      { problem: /current version: the parts do not add up/, place: { key: "joined" } },
      { problem: /layout: the extents do not add up/ },
    ],
  ],
  [
    "a counter that is too low",
    async (sample) => {
      await sample.set(keys.reference(await sample.blobOf("large")), encodeCounter(1));
    },
    [{ problem: /reference counter is too low/, place: { bucket: bucketName, key: "large" } }],
  ],
  [
    "a counter that is too high",
    async (sample) => {
      await sample.set(keys.reference(await sample.blobOf("large")), encodeCounter(3));
    },
    [{ problem: /reference counter is too high/, place: { key: "copy" } }],
  ],
  [
    "a counter that is gone",
    async (sample) => {
      await sample.delete(keys.reference(await sample.blobOf("large")));
    },
    [{ problem: /named blob has no reference counter/, place: { key: "large" } }],
  ],
  [
    "a counter at zero that no garbage record knows",
    async (sample) => {
      const id = "writer000001-00000000ff-aaaaaaaaaaaaaaaa" as BlobId;
      await sample.set(keys.reference(id), encodeCounter(0));
    },
    [{ problem: /unnamed blob has no garbage record/ }],
  ],
  [
    "a blob that is gone",
    async (sample) => {
      const id = await sample.blobOf("large");
      await sample.machine.storeOf(id).delete(id);
    },
    [{ problem: /a counted blob is missing/, place: { bucket: bucketName, key: "copy" } }],
  ],
  [
    "a blob of a multipart object that is gone",
    async (sample) => {
      const { content } = await sample.client.find(bucketName, "joined");
      const [extent] = await sample.client.objects.contents.extentsOf(content);
      assert.ok(extent && "blob" in extent);
      await sample.machine.storeOf(extent.blob).delete(extent.blob);
    },
    [{ problem: /a counted blob is missing/, place: { bucket: bucketName, key: "joined" } }],
  ],
  [
    "a blob that is shorter than its extents",
    async (sample) => {
      const store = sample.machine.storeOf(await sample.blobOf("large"));
      const open = store.open.bind(store);
      const id = await sample.blobOf("large");
      store.open = async (asked) => {
        const reader = await open(asked);
        if (asked !== id) return reader;
        return {
          lengthBytes: 499,
          read: (start, end) => reader.read(start, end),
          readTransient: (start, end) => reader.readTransient(start, end),
          readUnverified: (start, end) => reader.readUnverified(start, end),
          [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
        };
      };
    },
    [{ problem: /shorter than what records name/, place: { key: "large" } }],
  ],
  [
    "a blob whose bytes do not match their checksums",
    async (sample) => {
      const id = await sample.blobOf("large");
      const store = sample.machine.storeOf(id);
      const open = store.open.bind(store);
      store.open = async (asked) => {
        const reader = await open(asked);
        if (asked !== id) return reader;
        return {
          lengthBytes: reader.lengthBytes,
          read: () => brokenBytes(),
          readTransient: () => brokenBytes(),
          readUnverified: () => brokenBytes(),
          [Symbol.asyncDispose]: () => reader[Symbol.asyncDispose](),
        };
      };
    },
    [{ problem: /do not match their checksums/, place: { key: "large", versionId: "null" } }],
  ],
  [
    "a pointer to a null version that is gone",
    async (sample) => {
      await sample.delete(keys.nullVersion(await sample.bucketId(), "versions"));
    },
    [{ problem: /no pointer names this null version/, place: { key: "versions" } }],
  ],
  [
    "a pointer to a null version that does not exist",
    async (sample) => {
      await sample.set(keys.nullVersion(await sample.bucketId(), "x"), Buffer.from("5"));
    },
    [{ problem: /pointer names a missing version/, place: { key: "x" } }],
  ],
  [
    "a head that is older than a version",
    async (sample) => {
      const range = ranges.currentFrom(await sample.bucketId(), "versions", undefined);
      await sample.edit(range, (record) => (record["sequence"] = 1));
    },
    [
      { problem: /older version is newer/, place: { key: "versions" } },
      { problem: /older version is newer/, place: { key: "versions" } },
    ],
  ],
  [
    "versions without a head",
    async (sample) => {
      await sample.delete(keys.marker(await sample.bucketId(), "hidden"));
    },
    [{ problem: /a key that has no newest one/, place: { key: "hidden" } }],
  ],
  [
    "two heads",
    async (sample) => {
      const [marker] = await sample.rows(ranges.markers(await sample.bucketId()));
      assert.ok(marker);
      await sample.set(keys.marker(await sample.bucketId(), "small"), marker.value);
    },
    [{ problem: /a current version and a delete marker/, place: { key: "small" } }],
  ],
  [
    "usage of a storage class that was miscounted",
    async (sample) => {
      const key = keys.usageOfClass(await sample.bucketId(), "GLACIER", "objects");
      await sample.set(key, encodeCounter(2));
    },
    [{ problem: /usage counters are wrong/, place: { bucket: bucketName } }],
  ],
  [
    "usage that was miscounted",
    async (sample) => {
      await sample.set(keys.usageObjects(await sample.bucketId()), encodeCounter(2));
    },
    [{ problem: /usage counters are wrong/, place: { bucket: bucketName } }],
  ],
  [
    "an upload that was miscounted",
    async (sample) => {
      await sample.set(keys.usagePending(await sample.bucketId()), encodeCounter(2));
    },
    [{ problem: /uploads are counted wrongly/, place: { bucket: bucketName } }],
  ],
  [
    "rows of a bucket that does not exist",
    async (sample) => {
      await sample.delete(keys.bucket(bucketName));
    },
    [],
  ],
  [
    "parts of an upload that does not exist",
    async (sample) => {
      const [upload] = await sample.rows(ranges.allUploads());
      assert.ok(upload);
      await sample.delete(upload.key);
    },
    [
      { problem: /uploads are counted wrongly/ },
      { problem: /parts of an upload that does not exist/ },
    ],
  ],
  [
    "a writer's record under another key",
    async (sample) => {
      const [writer] = await sample.rows(ranges.writers());
      assert.ok(writer);
      await sample.set(keys.writer("someone" as never), writer.value);
    },
    [{ problem: /under another writer's key/ }],
  ],
];

describe("a check", () => {
  it("finds nothing on a store that holds something of every kind", async () => {
    const sample = await new Sample().fill();
    const result = await sample.machine.check();
    assert.deepEqual(result.findings, []);
    assert.deepEqual(result.unsure, []);
    assert.equal(result.wasteBlobs, 0);
    assert.equal(result.objects, 9);
    assert.equal(result.blobs, 6);
    // As they are stored: each with the tag of its one chunk.
    assert.equal(result.bytes, 500 + 300 + 200 + 100 + 300 + 300 + 6 * 16);
  });

  for (const [name, damage, expected] of damages) {
    it(`finds ${name}`, async () => {
      const sample = await new Sample().fill();
      await damage(sample);
      const { findings, findingCount } = await sample.machine.check();
      if (expected.length === 0) {
        assert.ok(findingCount > 0);
        for (const finding of findings) assert.match(finding.problem, /does not exist/);
        return;
      }
      assert.equal(findingCount, expected.length, JSON.stringify(findings, undefined, 2));
      for (const { problem, place = {} } of expected) {
        const isFound = findings.some((each) => matches(each, problem, place));
        assert.ok(isFound, `${String(problem)} is not in ${JSON.stringify(findings)}`);
      }
    });
  }

  it("counts a dead writer's unnamed blobs as waste, not as findings", async () => {
    const sample = await new Sample().fill();
    const { contents } = sample.client.objects;
    await contents.receive(
      (async function* () {
        yield new Uint8Array(100);
      })(),
      100,
    );
    assert.equal(await sample.machine.mustBeSound(), 0);
    const successor = await sample.machine.start();
    assert.equal(await sample.machine.mustBeSound(), 1);
    await sweepAll(successor.objects, sample.machine.clock);
    assert.equal(await sample.machine.mustBeSound(), 0);
  });

  it("finds the same with a table so small that it needs many passes", async () => {
    const sample = await new Sample().fill();
    for (let at = 0; at < 200; at += 1) {
      await sample.client.put(bucketName, `key ${at}`, new Uint8Array(at % 2 === 0 ? 5 : 100));
    }
    await sample.set(keys.reference(await sample.blobOf("key 7")), encodeCounter(5));
    await sample.delete(keys.reference(await sample.blobOf("key 151")));
    const id = await sample.blobOf("key 33");
    await sample.machine.storeOf(id).delete(id);
    const one = await sample.machine.check();
    const many = await sample.machine.check({ largestSlotCount: 32 });
    const sorted = ({ findings }: typeof one): string[] =>
      findings.map((each) => JSON.stringify(each)).toSorted();
    assert.equal(one.findingCount, 3);
    assert.deepEqual(sorted(many), sorted(one));
    assert.deepEqual([many.blobs, many.bytes], [one.blobs, one.bytes]);
  });

  it("finds nothing wrong while writers and a sweeper are at work", async () => {
    const seed = chooseSeed();
    await withSeed(seed, async () => {
      const sample = await new Sample().fill();
      // So that the store does not outgrow the check.
      await sample.client.setVersioning(bucketName, "Suspended");
      const work = { isDone: false };
      const writers = [1, 2, 3].map((number) =>
        keepWriting(sample, new SeededRandom(seed + number), work),
      );
      const sweeping = (async () => {
        while (!work.isDone) {
          await sweepAll(sample.client.objects, sample.machine.clock);
          await turn();
        }
      })();
      let objects = 0;
      try {
        for (let check = 0; check < 5; check += 1) {
          const result = await sample.machine.check({}, turn);
          assert.deepEqual(result.findings, []);
          objects += result.objects;
        }
      } finally {
        work.isDone = true;
        await Promise.all([...writers, sweeping]);
      }
      assert.ok(objects > 0);
      await sweepAll(sample.client.objects, sample.machine.clock);
      assert.equal(await sample.machine.mustBeSound(), 0);
    });
  });
});

function matches(finding: Finding, problem: RegExp, place: Record<string, unknown>): boolean {
  return (
    problem.test(finding.problem) &&
    (Object.keys(place).length === 0 ||
      finding.places.some((each) =>
        Object.entries(place).every(([name, value]) =>
          Object.entries(each).some(
            ([found, foundValue]) => found === name && foundValue === value,
          ),
        ),
      ))
  );
}

async function* brokenBytes(): AsyncGenerator<Uint8Array> {
  yield* [];
  throw new BlobCorruptError("bad block");
}

/** The stores in memory never wait: without this nobody else would have a turn. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Puts, copies, deletes and completes, in turn with everybody else. */
async function keepWriting(
  sample: Sample,
  random: SeededRandom,
  work: { readonly isDone: boolean },
): Promise<void> {
  const { client } = sample;
  while (!work.isDone) {
    const key = `busy ${random.below(6)}`;
    const other = `busy ${random.below(6)}`;
    try {
      const choice = random.below(8);
      const place = { bucketName, key };
      const name = `name${random.below(3)}`;
      if (choice < 2) await client.put(bucketName, key, random.bytes(random.below(150)));
      else if (choice === 2) await client.delete(bucketName, key);
      else if (choice === 3) await client.copy({ bucketName, key }, { bucketName, key: other });
      else if (choice === 6)
        await client.annotate(place, name, random.bytes(1 + random.below(150)));
      else if (choice === 7) await client.removeAnnotation(place, name);
      else if (choice === 4) {
        const [version] = (await client.listVersions(bucketName)).filter(
          (each) => each.key === key,
        );
        if (version !== undefined) await client.delete(bucketName, key, version.record.versionId);
      } else {
        const uploadId = await client.createUpload(bucketName, key);
        const upload = { bucketName, key, uploadId };
        for (const number of [1, 2]) await client.putPart(upload, number, random.bytes(100));
        if (random.chance(0.7)) await client.complete(upload, [1, 2]);
        else await client.abort(upload);
      }
    } catch (error) {
      // A copy of a key that is not there, or that was replaced meanwhile.
      const name = error instanceof Error ? error.name : "";
      if (name !== "S3Error" && name !== "BlobMissingError") throw error;
    }
    await turn();
  }
}

describe("the reference tally", () => {
  it("balances names against things, and shares out what it cannot hold", () => {
    const identifiers = Array.from({ length: 5000 }, (_, at) => `blob writer-${at}-abc`);
    const shares = [{ index: 0, count: 1 }];
    const seen = new Map<string, number>();
    let passes = 0;
    for (let share = shares.pop(); share !== undefined; share = shares.pop()) {
      const tally = new ReferenceTally(share, { largestSlotCount: 1024 });
      for (const [at, identifier] of identifiers.entries()) tally.add(identifier, 1, at);
      for (const [at, identifier] of identifiers.entries()) {
        if (at % 1000 !== 0) tally.add(identifier, -1, 0);
      }
      for (const { hash, balance } of tally.imbalances()) seen.set(hash, balance);
      for (const [at, identifier] of identifiers.entries()) {
        if (tally.covers(identifier)) assert.equal(tally.endOf(identifier), at);
      }
      shares.push(...tally.forgotten);
      passes += 1;
    }
    assert.ok(passes >= 7);
    const expected = [0, 1000, 2000, 3000, 4000].map((at) => hashNameOf(identifiers[at] ?? ""));
    assert.deepEqual([...seen.keys()].toSorted(), expected.toSorted());
    assert.deepEqual([...new Set(seen.values())], [1]);
  });

  it("gives different identifiers different hashes", () => {
    const hashes = new Set<string>();
    const random = new SeededRandom(1);
    for (let at = 0; at < 100_000; at += 1) {
      const tail = Buffer.from(random.bytes(4)).toString("hex");
      hashes.add(hashNameOf(`blob aaaaaaaaaaaaaaaa-${at.toString(16).padStart(10, "0")}-${tail}`));
    }
    assert.equal(hashes.size, 100_000);
  });
});

describe("a check's progress", () => {
  it("draws one line with share, rate and remaining time on a terminal", () => {
    const clock = new ManualClock(0);
    let text = "";
    const output = { write: (piece: string) => (text += piece) };
    const progress = new CheckProgress({ output, isTerminal: true, clock });
    clock.advance(1000);
    progress.begin("blobs", "blobs", 100);
    clock.advance(1000);
    progress.advance(25, 1024 * 1024);
    assert.match(
      text,
      /^\r.*blobs: \[#{6}-{18}\] 25%, 25 blobs, 25 blobs\/s 1\.0 MiB\/s, 3 s left$/,
    );
    progress.print("FINDING");
    assert.match(text, /\r[^\n]*FINDING\n$/);
  });

  it("prints plain lines every few seconds elsewhere", () => {
    const clock = new ManualClock(0);
    const lines: string[] = [];
    const output = { write: (piece: string) => lines.push(piece) };
    const progress = new CheckProgress({ output, isTerminal: false, clock });
    progress.begin("records", "rows", 0);
    for (let second = 0; second < 12; second += 1) {
      clock.advance(1000);
      progress.advance(10, 0);
    }
    assert.deepEqual(lines, ["records: 50 rows, 10 rows/s\n", "records: 100 rows, 10 rows/s\n"]);
  });
});

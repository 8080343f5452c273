// A random history of requests on one bucket space, answered by the object layer and by a naive model
// of S3, with faults in between: refused commits, lost answers, processes that die at any effect.
// After every request both must agree, and in the end nothing that no record names may be left.
//
// As a command it runs many histories: node tests/simulation/model-simulation.ts --rounds 1000

import assert from "node:assert/strict";
import { parseArgs } from "node:util";
import { ranges } from "../../src/objects/records/keyspace.ts";
import { isDeleteMarker } from "../../src/objects/records/object-record.ts";
import type { FaultRates, MemoryProcess } from "./memory-process.ts";
import { MemoryMachine, ProcessDiedError, sweepAll } from "./memory-process.ts";
import { ObjectClient } from "./object-client.ts";
import type { Request } from "./s3-model.ts";
import { etagOf, ModelError, S3Model, unknownId } from "./s3-model.ts";
import { chooseSeed, SeededRandom, withSeed } from "./seeded-random.ts";

export interface SimulationCounts {
  requests: number;
  refused: number;
  unknown: number;
  deaths: number;
}

const bucketNames = ["alpha", "beta"];
/** Names that meet in prefixes, and such that UTF-8 and UTF-16 order differently. */
const objectKeys = ["a", "a/b", "a/b/c", "a0", "b/", "\uFFFD", "\u{10000}", "z\0z"];

export async function simulate(
  seed: number,
  steps: number,
  faults: FaultRates,
): Promise<SimulationCounts> {
  const simulation = new Simulation(seed, faults);
  await simulation.start();
  for (let step = 0; step < steps; step += 1) await simulation.step();
  await simulation.finish();
  return simulation.counts;
}

class Simulation {
  readonly counts: SimulationCounts = { requests: 0, refused: 0, unknown: 0, deaths: 0 };
  readonly #random: SeededRandom;
  readonly #faults: FaultRates;
  readonly #machine = new MemoryMachine();
  /** Identifiers that were valid once: of versions, and of uploads with their keys. */
  readonly #oldVersions: string[] = [];
  readonly #oldUploads: {
    readonly bucket: string;
    readonly key: string;
    readonly uploadId: string;
  }[] = [];
  #model = new S3Model();
  #process: MemoryProcess | undefined;
  #client: ObjectClient | undefined;

  constructor(seed: number, faults: FaultRates) {
    this.#random = new SeededRandom(seed);
    this.#faults = faults;
  }

  async start(): Promise<void> {
    this.#process = await this.#machine.start(this.#faults, this.#random);
    this.#client = new ObjectClient(this.#process.objects, 1 + this.#random.below(4));
  }

  async step(): Promise<void> {
    // Now and then the clock stands still or is set back.
    this.#machine.clock.advance(this.#random.below(20) === 0 ? -300 : this.#random.below(1500));
    if (this.#random.chance(0.02)) await this.#sweep();
    const request = this.#choose();
    this.counts.requests += 1;
    const expected = this.#model.clone();
    const expectedError = attempt(() => expected.apply(request, unknownId));
    try {
      const newId = await this.#perform(request);
      assert.equal(expectedError, undefined, `${request.kind} should have been refused`);
      this.#model.apply(request, newId);
    } catch (error) {
      await this.#judgeFailure(request, error, expected, expectedError);
    }
    await this.#compare(this.#model);
  }

  /** Nothing unnamed is left once the writers of the past are gone and the sweeper has run. */
  async finish(): Promise<void> {
    const process = await this.#machine.start();
    this.#process = process;
    this.#client = new ObjectClient(process.objects);
    await this.#compare(this.#model);
    await sweepAll(process.objects, this.#machine.clock);
    assert.equal(await this.#machine.mustBeSound(), 0);
    const limit = 100_000;
    const { keyValueStore } = this.#machine;
    const read = await keyValueStore.read({
      ranges: [
        { ...ranges.references(), limit },
        { ...ranges.garbage(), limit },
      ],
    });
    const blobs = await this.#machine.list(undefined, limit);
    assert.equal(blobs.length, read.ranges[0]?.length, "a blob has no counter");
    assert.equal(read.ranges[1]?.length, 0, "garbage is left");
    await this.#compare(this.#model);
  }

  get client(): ObjectClient {
    assert.ok(this.#client);
    return this.#client;
  }

  async #judgeFailure(
    request: Request,
    error: unknown,
    expected: S3Model,
    expectedError: unknown,
  ): Promise<void> {
    const name = error instanceof Error ? error.name : "";
    // Also when it was the removal of unused bytes that killed it.
    if (this.#process?.isDead === true) {
      this.counts.deaths += 1;
      await this.start();
    }
    if (error instanceof Error && "code" in error && name === "S3Error") {
      const { code } = error;
      assert.equal(codeOf(expectedError), code, `${request.kind} was refused`);
      this.counts.refused += 1;
      return;
    }
    if (name === "PartNotFoundError") {
      assert.equal(codeOf(expectedError), "InvalidPart");
      return;
    }
    if (name === "StorageFullError") return;
    const isUnknown = error instanceof ProcessDiedError || name === "StorageUnavailableError";
    if (!isUnknown) throw error;
    this.counts.unknown += 1;
    if (expectedError !== undefined) return;
    // Either all of it happened, or nothing.
    const before = this.#model;
    try {
      await this.#compare(before);
    } catch {
      this.#model = expected;
      await this.#compare(expected);
    }
  }

  async #sweep(): Promise<void> {
    const process = this.#process;
    assert.ok(process);
    try {
      await sweepAll(process.objects, this.#machine.clock);
    } catch (error) {
      const name = error instanceof Error ? error.name : "";
      if (!(error instanceof ProcessDiedError) && !name.startsWith("Storage")) throw error;
    }
    if (process.isDead) await this.start();
    await this.#machine.mustBeSound();
  }

  /** Answers the identifier of what was made. */
  async #perform(request: Request): Promise<string> {
    const { client } = this;
    const { bucket } = request;
    switch (request.kind) {
      case "createBucket": {
        const { created } = await client.createBucket(bucket);
        if (!created) throw s3Like("BucketAlreadyOwnedByYou");
        return "";
      }
      case "deleteBucket":
        await client.deleteBucket(bucket);
        return "";
      case "setVersioning":
        await client.setVersioning(bucket, request.versioning);
        return "";
      case "put": {
        const { key, body, ifMatch, ifNoneMatch } = request;
        const bytes = Buffer.from(body, "latin1");
        const written = await client.put(bucket, key, bytes, { ifMatch, ifNoneMatch });
        return written.record.versionId;
      }
      case "copy": {
        const { versionId } = request.source;
        const source = { bucketName: request.source.bucket, key: request.source.key };
        const from = versionId === undefined ? source : { ...source, versionId };
        const written = await client.copy(from, { bucketName: bucket, key: request.key });
        return written.record.versionId;
      }
      case "delete": {
        const { key, versionId, ifMatch } = request;
        const deleted = await client.delete(bucket, key, versionId, { ifMatch });
        return deleted.versionId ?? "";
      }
      default:
        return this.#performOnUpload(request);
    }
  }

  async #performOnUpload(
    request: Extract<
      Request,
      { readonly kind: "createUpload" | "putPart" | "copyPart" | "complete" | "abort" }
    >,
  ): Promise<string> {
    const { client } = this;
    const { bucket: bucketName, key } = request;
    if (request.kind === "createUpload") return client.createUpload(bucketName, key);
    const place = { bucketName, key, uploadId: request.uploadId };
    if (request.kind === "putPart") {
      await client.putPart(place, request.number, Buffer.from(request.body, "latin1"));
      return "";
    }
    if (request.kind === "copyPart") {
      const source = { bucketName: request.source.bucket, key: request.source.key };
      await client.copyPart(place, request.number, source, request);
      return "";
    }
    if (request.kind === "abort") {
      await client.abort(place);
      return "";
    }
    const conditions = { ifNoneMatch: request.ifNoneMatch };
    const { record } = await client.complete(place, request.numbers, conditions);
    return record.versionId;
  }

  #choose(): Request {
    const random = this.#random;
    const bucket = random.pick(bucketNames);
    const key = random.pick(objectKeys);
    const live = attemptValue(() => this.#model.live(bucket, key));
    const choice = random.below(100);
    if (choice < 4) return { kind: "createBucket", bucket };
    if (choice < 6) return { kind: "deleteBucket", bucket };
    if (choice < 10) {
      return { kind: "setVersioning", bucket, versioning: random.pick(["Enabled", "Suspended"]) };
    }
    if (choice < 40) {
      const put = { kind: "put", bucket, key, body: this.#body() } as const;
      if (random.chance(0.15)) return { ...put, ifNoneMatch: "*" };
      const etag = random.chance(0.7) ? (live?.etag ?? "0".repeat(32)) : "0".repeat(32);
      return random.chance(0.2) ? { ...put, ifMatch: etag } : put;
    }
    if (choice < 52) {
      const source = { bucket: random.pick(bucketNames), key: random.pick(objectKeys) };
      const versionId = random.chance(0.4) ? this.#someVersion(source) : undefined;
      const from = versionId === undefined ? source : { ...source, versionId };
      return { kind: "copy", bucket, key, source: from };
    }
    if (choice < 62) {
      const ifMatch = random.chance(0.2) ? (live?.etag ?? "0".repeat(32)) : undefined;
      return { kind: "delete", bucket, key, ...(ifMatch === undefined ? {} : { ifMatch }) };
    }
    if (choice < 76) {
      const versionId = this.#someVersion({ bucket, key });
      return { kind: "delete", bucket, key, ...(versionId === undefined ? {} : { versionId }) };
    }
    return this.#chooseOnUpload(bucket, key);
  }

  #chooseOnUpload(bucket: string, key: string): Request {
    const random = this.#random;
    const uploads = this.#model.buckets.get(bucket)?.uploads ?? [];
    if (uploads.length < 2 || random.chance(0.15)) return { kind: "createUpload", bucket, key };
    const isOld = this.#oldUploads.length > 0 && random.chance(0.08);
    const upload = isOld ? random.pick(this.#oldUploads) : { ...random.pick(uploads), bucket };
    const place = { bucket: upload.bucket, key: upload.key, uploadId: upload.uploadId };
    const number = 1 + random.below(4);
    const choice = random.below(10);
    if (choice < 4) return { kind: "putPart", ...place, number, body: this.#body() || "x" };
    if (choice < 6) {
      const source = { bucket: random.pick(bucketNames), key: random.pick(objectKeys) };
      const body = attemptValue(() => this.#model.live(source.bucket, source.key))?.body ?? "";
      const start = random.below(body.length + 1);
      const end = start + random.below(body.length - start + 1);
      if (end > start) return { kind: "copyPart", ...place, number, source, start, end };
    }
    if (!isOld) this.#oldUploads.push(place);
    if (choice === 6) return { kind: "abort", ...place };
    const parts = uploads.find((each) => each.uploadId === place.uploadId)?.parts ?? new Map();
    const numbers = [...parts.keys()].toSorted((left, right) => left - right);
    if (numbers.length === 0 || random.chance(0.1)) numbers.push(9);
    else if (numbers.length > 1 && random.chance(0.3)) numbers.shift();
    const complete = { kind: "complete", ...place, numbers } as const;
    return random.chance(0.1) ? { ...complete, ifNoneMatch: "*" } : complete;
  }

  #body(): string {
    const random = this.#random;
    // Empty, inline (up to 64 bytes in this simulation), or a blob.
    const length = random.pick([0, 1, 64, 65, random.below(200)]);
    return Buffer.from(random.bytes(length)).toString("latin1");
  }

  #someVersion(place: { readonly bucket: string; readonly key: string }): string | undefined {
    const random = this.#random;
    const versions = this.#model.buckets.get(place.bucket)?.keys.get(place.key) ?? [];
    if (versions.length > 0 && random.chance(0.85)) {
      const { versionId } = random.pick(versions);
      this.#oldVersions.push(versionId);
      return versionId;
    }
    return random.chance(0.5) || this.#oldVersions.length === 0
      ? "null"
      : random.pick(this.#oldVersions);
  }

  /** Throws when the stores hold something else than the model; fills in what the model cannot know. */
  async #compare(model: S3Model): Promise<void> {
    const { client } = this;
    const page = await client.objects.buckets.list({
      ownerId: "0".repeat(64),
      prefix: "",
      after: undefined,
      limit: 100,
      accepts: () => true,
    });
    const names = page.buckets.map((bucket) => bucket.name);
    assert.deepEqual(names, [...model.buckets.keys()].toSorted());
    for (const record of page.buckets) {
      assert.equal(record.versioning, model.bucket(record.name).versioning);
      await this.#compareVersions(model, record.name);
      await this.#compareUploads(model, record.name);
      await this.#compareGroups(model, record.name);
    }
  }

  async #compareVersions(model: S3Model, name: string): Promise<void> {
    const { client } = this;
    const { keys } = model.bucket(name);
    const expected = [...keys].toSorted(([left], [right]) => compareUtf8(left, right));
    const listed = await client.listVersions(name);
    const found = listed.values();
    for (const [key, versions] of expected) {
      for (const [at, version] of versions.entries()) {
        const item = found.next().value;
        assert.ok(item, "a version is not listed");
        if (version.versionId === unknownId) version.versionId = item.record.versionId;
        const { record, isLatest } = item;
        assert.deepEqual(
          [item.key, record.versionId, isLatest, isDeleteMarker(record)],
          [key, version.versionId, at === 0, version.isDeleteMarker],
        );
        if (isDeleteMarker(record)) continue;
        assert.equal(record.etag, version.etag);
        assert.equal(record.sizeBytes, version.body.length);
        const bytes = await client.readRecord(record);
        assert.equal(Buffer.from(bytes).toString("latin1"), version.body);
      }
    }
    assert.equal(found.next().done, true, "a version is listed that should not be");
    const live = expected.filter(([, [newest]]) => newest?.isDeleteMarker === false);
    assert.deepEqual(
      (await client.list(name)).map((item) => [item.key, item.record.versionId]),
      live.map(([key, versions]) => [key, versions[0]?.versionId]),
    );
  }

  async #compareUploads(model: S3Model, name: string): Promise<void> {
    const { client } = this;
    const { uploads } = model.bucket(name);
    const listed = (await client.listUploads(name)).flatMap((item) =>
      "upload" in item ? [{ key: item.key, uploadId: item.upload.uploadId }] : [],
    );
    assert.equal(listed.length, uploads.length);
    for (const upload of uploads) {
      if (upload.uploadId !== unknownId) continue;
      const known = new Set(uploads.map((each) => each.uploadId));
      const added = listed.find((each) => each.key === upload.key && !known.has(each.uploadId));
      assert.ok(added, "an upload is not listed");
      upload.uploadId = added.uploadId;
    }
    assert.deepEqual(listed.map(identify).toSorted(), uploads.map(identify).toSorted());
    for (const { uploadId, parts } of uploads) {
      const stored = await client.objects.uploads.listParts(uploadId, 0, 100);
      const expected = [...parts].toSorted(([left], [right]) => left - right);
      assert.deepEqual(
        stored.map((part) => [part.number, part.sizeBytes, part.etag]),
        expected.map(([number, body]) => [number, body.length, etagOf(body)]),
      );
    }
  }

  /** Listing with a delimiter, against the rule applied to all keys at once. */
  async #compareGroups(model: S3Model, name: string): Promise<void> {
    const [prefix, delimiter] = this.#random.pick([
      ["", "/"],
      ["a", "/"],
      ["a/", "/"],
      ["", "b"],
      ["a", "/b/"],
    ] as const);
    const groups = new Set<string>();
    for (const [key, [newest]] of model.bucket(name).keys) {
      if (newest?.isDeleteMarker !== false || !key.startsWith(prefix)) continue;
      const at = key.indexOf(delimiter, prefix.length);
      groups.add(at < 0 ? key : key.slice(0, at + delimiter.length));
    }
    const listed = await this.client.listGrouped(name, prefix, delimiter);
    assert.deepEqual(listed, [...groups].toSorted(compareUtf8));
  }
}

function identify({ key, uploadId }: { readonly key: string; readonly uploadId: string }): string {
  return `${key} ${uploadId}`;
}

function compareUtf8(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function s3Like(code: string): Error {
  return Object.assign(new Error(code), { name: "S3Error", code });
}

function codeOf(error: unknown): string | undefined {
  return error instanceof ModelError ? error.code : undefined;
}

function attempt(action: () => void): unknown {
  try {
    action();
    return undefined;
  } catch (error) {
    return error;
  }
}

function attemptValue<Value>(action: () => Value): Value | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}

export const manyFaults: FaultRates = {
  full: 0.02,
  lostBefore: 0.02,
  lostAfter: 0.03,
  death: 0.01,
  blob: 0.02,
};

// Not `import.meta.main`: tools/run.mjs imports this file where Node.js is new enough already.
if (process.argv[1] === import.meta.filename) {
  const { values } = parseArgs({ options: { rounds: { type: "string", default: "300" } } });
  const first = chooseSeed();
  const total: SimulationCounts = { requests: 0, refused: 0, unknown: 0, deaths: 0 };
  for (let round = 0; round < Number(values.rounds); round += 1) {
    const seed = first + round;
    await withSeed(seed, async () => {
      const counts = await simulate(seed, 300, manyFaults);
      for (const name of Object.keys(total) as (keyof SimulationCounts)[]) {
        total[name] += counts[name];
      }
    });
  }
  process.stdout.write(`${values.rounds} rounds from seed ${first}: ${JSON.stringify(total)}\n`);
}

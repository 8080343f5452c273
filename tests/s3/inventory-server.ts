// What tests of inventories and analyses share: a server whose clock is moved by hand, buckets that take
// reports, and the reading of reports.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { gunzipSync } from "node:zlib";
import type { InventoryConfiguration } from "@aws-sdk/client-s3";
import { ManualClock, type ServerOptions } from "../../src/app.ts";
import { startTestServer, type TestServer } from "./test-server.ts";

export const dayMilliseconds = 86_400_000;

export interface Manifest {
  readonly sourceBucket: string;
  readonly destinationBucket: string;
  readonly version: string;
  readonly creationTimestamp: string;
  readonly fileFormat: string;
  readonly fileSchema: string;
  readonly files: readonly {
    readonly key: string;
    readonly size: number;
    readonly MD5checksum: string;
  }[];
}

export interface InventoryServer extends TestServer {
  readonly clock: ManualClock;
  /** Moves the clock, for clients too. */
  readonly advance: (milliseconds: number) => void;
  /** A bucket whose policy lets S3 put reports about `source`, as the guide of S3 gives it. */
  readonly newDestination: (source: string) => Promise<string>;
  readonly policyFor: (destination: string, source: string) => string;
  readonly keysOf: (bucket: string) => Promise<readonly string[]>;
  readonly bytesOf: (bucket: string, key: string) => Promise<Buffer>;
  readonly putInventory: (
    bucket: string,
    destination: string,
    others?: Partial<InventoryConfiguration> & { readonly Format?: "CSV" | "ORC" | "Parquet" },
  ) => Promise<void>;
  /** The manifest of the only report there is, checked against its checksum and its files. */
  readonly readManifest: (destination: string) => Promise<Manifest>;
}

/** 2026-03-05T10:20:30Z was a Thursday. */
export const start = Date.UTC(2026, 2, 5, 10, 20, 30);

export async function startInventoryServer(options: ServerOptions = {}): Promise<InventoryServer> {
  const clock = new ManualClock(start);
  const server = await startTestServer({ clock, ...options });
  // Signatures are judged by the server's clock.
  const { s3, plainS3 } = server;
  const follow = (): void => {
    const offset = clock.now() - Date.now();
    for (const client of [s3, plainS3]) client.config.systemClockOffset = offset;
  };
  follow();
  const inventory: InventoryServer = {
    ...server,
    clock,
    advance(milliseconds) {
      clock.advance(milliseconds);
      follow();
    },
    policyFor: (destination, source) =>
      JSON.stringify({
        Version: "2012-10-17",
        Statement: [
          {
            Effect: "Allow",
            Principal: { Service: "s3.amazonaws.com" },
            Action: "s3:PutObject",
            Resource: [`arn:aws:s3:::${destination}/*`],
            Condition: {
              ArnLike: { "aws:SourceArn": `arn:aws:s3:::${source}` },
              StringEquals: {
                "aws:SourceAccount": server.server.accountId,
                "s3:x-amz-acl": "bucket-owner-full-control",
              },
            },
          },
        ],
      }),
    async newDestination(source) {
      const Bucket = await server.newBucket();
      await s3.putBucketPolicy({ Bucket, Policy: inventory.policyFor(Bucket, source) });
      return Bucket;
    },
    async keysOf(Bucket) {
      const { Contents = [] } = await s3.listObjectsV2({ Bucket });
      return Contents.map(({ Key = "" }) => Key);
    },
    async bytesOf(Bucket, Key) {
      const { Body } = await s3.getObject({ Bucket, Key });
      return Buffer.from((await Body?.transformToByteArray()) ?? []);
    },
    async putInventory(Bucket, destination, { Format = "CSV", ...others } = {}) {
      const Id = others.Id ?? "report";
      await s3.putBucketInventoryConfiguration({
        Bucket,
        Id,
        InventoryConfiguration: {
          Id,
          IsEnabled: true,
          Destination: {
            S3BucketDestination: { Bucket: `arn:aws:s3:::${destination}`, Format },
          },
          IncludedObjectVersions: "Current",
          Schedule: { Frequency: "Daily" },
          ...others,
        },
      });
    },
    async readManifest(destination) {
      const manifests = (await inventory.keysOf(destination)).filter((key) =>
        key.endsWith("/manifest.json"),
      );
      assert.equal(manifests.length, 1);
      const key = manifests[0] ?? "";
      const bytes = await inventory.bytesOf(destination, key);
      const checksum = await inventory.bytesOf(destination, key.replace(/json$/, "checksum"));
      assert.equal(checksum.toString(), createHash("md5").update(bytes).digest("hex"));
      const manifest = JSON.parse(bytes.toString()) as Manifest;
      for (const file of manifest.files) {
        const data = await inventory.bytesOf(destination, file.key);
        assert.equal(data.byteLength, file.size);
        assert.equal(createHash("md5").update(data).digest("hex"), file.MD5checksum);
      }
      return manifest;
    },
  };
  return inventory;
}

/** The values of each row of CSV in which everything is quoted. */
function readCsv(text: string): readonly (readonly string[])[] {
  return text
    .split("\n")
    .slice(0, -1)
    .map((line) => line.slice(1, -1).split('","'));
}

export function readCsvFile(bytes: Uint8Array): readonly (readonly string[])[] {
  return readCsv(gunzipSync(bytes).toString("utf8"));
}

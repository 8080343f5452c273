// What the protocol layer costs, stage by stage, in CPU time of this process: `node bench/micro/protocol.ts`.
// Signatures, sockets and stores are left out.

import { HttpHeaders } from "../../src/http/http-message.ts";
import { operations, shapes } from "../../src/model/operations.generated.ts";
import type { RequestPayload } from "../../src/body/request-payload.ts";
import { parseAddress } from "../../src/protocol/address.ts";
import { compileInputDecoder } from "../../src/protocol/decode-input.ts";
import { compileOutputEncoder } from "../../src/protocol/encode-output.ts";
import { parseQuery } from "../../src/protocol/query.ts";
import { createRouter } from "../../src/protocol/router.ts";
import { compileReader, readXml } from "../../src/protocol/xml-reader.ts";

const rounds = 5;
const keys = 1000;

/** Prints the best round's microseconds of CPU per call. */
function measure(name: string, calls: number, run: () => unknown): void {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const start = process.cpuUsage();
    for (let call = 0; call < calls; call += 1) run();
    const { user, system } = process.cpuUsage(start);
    best = Math.min(best, (user + system) / calls);
  }
  process.stdout.write(`${name.padEnd(44)}${best.toFixed(2).padStart(10)} us\n`);
}

const raw = [
  ["Host", "127.0.0.1:9000"],
  ["User-Agent", "aws-sdk-js/3.1169.0 ua/2.1 os/linux lang/js md/nodejs#24"],
  ["amz-sdk-invocation-id", "0d5ba7e4-1c0a-4d62-9f6f-6b7c3b1f1d2e"],
  ["amz-sdk-request", "attempt=1; max=3"],
  ["x-amz-date", "20260102T030405Z"],
  ["x-amz-content-sha256", "UNSIGNED-PAYLOAD"],
  ["Authorization", `AWS4-HMAC-SHA256 ${"c".repeat(180)}`],
  ["x-amz-checksum-mode", "ENABLED"],
  ["Connection", "keep-alive"],
].flat();
const target = "/bucket/some/key-0001.bin?x-id=GetObject";
const address = parseAddress(target, "127.0.0.1:9000", []);
const query = parseQuery(address.rawQuery);
const headers = new HttpHeaders(raw);
const payload: RequestPayload = {
  stream: (async function* () {})(),
  lengthBytes: 0,
  isTransferCoded: false,
  announcedTrailers: [],
  trailers: new Map(),
};
const router = createRouter();
const decodeGet = compileInputDecoder(operations.GetObject);
const getEncoder = compileOutputEncoder(operations.GetObject);
const etag = '"abcdefabcdefabcdefabcdefabcdefab"';
const object = {
  Body: { stream: new Uint8Array(4096), lengthBytes: 4096 },
  AcceptRanges: "bytes",
  LastModified: new Date(),
  ETag: etag,
  ContentType: "application/octet-stream",
  ChecksumCRC64NVME: "abcdefghijk=",
  ChecksumType: "FULL_OBJECT",
  ServerSideEncryption: "AES256",
  Metadata: { name: "value" },
};

measure("address and query", 200_000, () =>
  parseQuery(parseAddress(target, "127.0.0.1:9000", []).rawQuery),
);
measure("index of 9 headers", 200_000, () => new HttpHeaders(raw).get("host"));
measure("route", 500_000, () => router.route({ method: "GET", address, query, headers }));
measure("decode GetObject", 200_000, () =>
  decodeGet({ address, query, headers, hasBody: false, payload }),
);
measure("encode GetObject", 200_000, () => getEncoder.encode(object, undefined));

const listed = Array.from({ length: keys }, (_, index) => ({
  Key: `some/prefix/of/keys/object-${String(index).padStart(8, "0")}.bin`,
  LastModified: new Date(1_700_000_000_000 + index * 1000),
  ETag: etag,
  Size: 4096 + index,
  StorageClass: "STANDARD",
}));
const page = { Name: "bucket", Prefix: "", KeyCount: keys, IsTruncated: true, Contents: listed };
const listEncoder = compileOutputEncoder(operations.ListObjectsV2);
measure("encode ListObjectsV2, 1,000 keys", 500, () =>
  Buffer.byteLength(listEncoder.encode(page, undefined).body as string),
);

const deletion = Buffer.from(
  `<Delete>${listed.map(({ Key }) => `<Object><Key>${Key}</Key></Object>`).join("")}</Delete>`,
);
const deleteReader = compileReader(shapes["Delete"]?.members ?? []);
measure("read Delete, 1,000 keys", 200, () => readXml(deletion, "Delete", deleteReader));

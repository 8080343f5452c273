// What one core can hash: an upload costs at least the digests that its request demands.
//   signed payload without a checksum header: SHA-256 (signature), MD5 (ETag), CRC64NVME (S3's default)
//   UNSIGNED-PAYLOAD with a CRC32 header:     MD5 (ETag), CRC32
// Prints one line of JSON: mebibytes per second and per CPU second for each.

import { createHash } from "node:crypto";
import { crc32 as hardwareCrc32 } from "@node-rs/crc32";
import { createCRC64 } from "hash-wasm";

export interface HashFloor {
  readonly signed: HashRate;
  readonly unsigned: HashRate;
}

export interface HashRate {
  readonly mebibytesPerSecond: number;
  /** The same without what a neighbour on the machine took. */
  readonly mebibytesPerCpuSecond: number;
}

/** The size in which a server gets a body from its socket. */
const pieceBytes = 64 * 1024;
/** CRC64NVME as hash-wasm wants it: the reflected polynomial; initial value and final XOR are its own. */
const crc64NvmePolynomial = "9a6c9329ac4bc9b5";
const mebibyte = 1024 * 1024;

async function measureHashFloor(totalBytes: number): Promise<HashFloor> {
  const piece = Buffer.alloc(pieceBytes, 0x5a);
  const pieces = Math.ceil(totalBytes / pieceBytes);
  const crc64 = await createCRC64(crc64NvmePolynomial);
  const signed = (): void => {
    const sha256 = createHash("sha256");
    const md5 = createHash("md5");
    crc64.init();
    for (let count = 0; count < pieces; count += 1) {
      sha256.update(piece);
      md5.update(piece);
      crc64.update(piece);
    }
    sha256.digest();
    md5.digest();
    crc64.digest();
  };
  const unsigned = (): void => {
    const md5 = createHash("md5");
    let checksum = 0;
    for (let count = 0; count < pieces; count += 1) {
      md5.update(piece);
      checksum = hardwareCrc32(piece, checksum);
    }
    md5.digest();
  };
  return {
    signed: measureRate(signed, pieces * pieceBytes),
    unsigned: measureRate(unsigned, pieces * pieceBytes),
  };
}

function measureRate(work: () => void, bytes: number): HashRate {
  const startedAt = performance.now();
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    mebibytesPerSecond: bytes / mebibyte / seconds,
    mebibytesPerCpuSecond: bytes / mebibyte / ((user + system) / 1e6),
  };
}

if (import.meta.main) {
  await measureHashFloor(16 * mebibyte);
  process.stdout.write(`${JSON.stringify(await measureHashFloor(256 * mebibyte))}\n`);
}

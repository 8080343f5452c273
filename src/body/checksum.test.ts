import assert from "node:assert/strict";
import { test } from "node:test";
import { Crc32Js, Crc32cJs, Crc64NvmeJs } from "@aws-sdk/checksums/crc";
import { Xxh3_128, Xxh3_64, Xxh64 } from "@aws-sdk/checksums/xxh";
import * as fc from "fast-check";
import {
  checksumAlgorithmOfHeader,
  checksumHeaderNames,
  checksumLengthBytes,
  computeChecksum,
  createChecksum,
  isChecksumAlgorithm,
  parseChecksumValue,
} from "./checksum.ts";
import type { ChecksumAlgorithm } from "./checksum.ts";

const algorithms = Object.keys(checksumHeaderNames) as ChecksumAlgorithm[]; // Its only keys.

/** Hexadecimal values of the empty text and of "123456789", the check value of CRC catalogues. */
const vectors: Readonly<Record<ChecksumAlgorithm, readonly [string, string]>> = {
  // catalogue of parametrised CRC algorithms: CRC-32/ISO-HDLC, CRC-32/ISCSI, CRC-64/NVME
  CRC32: ["00000000", "cbf43926"],
  CRC32C: ["00000000", "e3069283"],
  CRC64NVME: ["0000000000000000", "ae8b14860a799888"],
  // RFC 1321, A.5
  MD5: ["d41d8cd98f00b204e9800998ecf8427e", "25f9e794323b453885f5181f1b624d0b"],
  // coreutils sha1sum, sha256sum, sha512sum
  SHA1: ["da39a3ee5e6b4b0d3255bfef95601890afd80709", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"],
  SHA256: [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225",
  ],
  SHA512: [
    "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274ad27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85",
  ],
  // the reference implementation, xxHash 0.8.4
  XXHASH64: ["ef46db3751d8e999", "8cb841db40e6ae83"],
  XXHASH3: ["2d06800538d394c2", "72dcb18b67a17dff"],
  XXHASH128: ["99aa06d3014798d86001c324468d497f", "33119477ede5dcd5e9716427681d5860"],
};

for (const algorithm of algorithms) {
  test(`${algorithm} of known texts`, () => {
    const [ofNothing, ofDigits] = vectors[algorithm];
    const digits = Buffer.from("123456789");
    assert.equal(hex(computeChecksum(algorithm, Buffer.alloc(0))), ofNothing);
    assert.equal(hex(computeChecksum(algorithm, digits)), ofDigits);
    const running = createChecksum(algorithm);
    running.update(digits.subarray(0, 4));
    running.update(digits.subarray(4));
    assert.equal(hex(running.digest()), ofDigits);
    assert.equal(ofDigits.length, checksumLengthBytes[algorithm] * 2);
  });

  test(`${algorithm} does not mix up computations that run at once`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat({ max: 3 }), fc.uint8Array({ maxLength: 300 })), {
          maxLength: 20,
        }),
        (steps) => {
          const running = [0, 1, 2, 3].map(() => createChecksum(algorithm));
          const whole: Buffer[] = [0, 1, 2, 3].map(() => Buffer.alloc(0));
          for (const [index, bytes] of steps) {
            running[index]?.update(bytes);
            whole[index] = Buffer.concat([whole[index] as Buffer, bytes]);
          }
          running.forEach((checksum, index) => {
            const expected = computeChecksum(algorithm, whole[index] as Buffer);
            assert.equal(hex(checksum.digest()), hex(expected));
          });
        },
      ),
      { numRuns: 40 },
    );
  });
}

interface OracleChecksum {
  update(bytes: Uint8Array): void;
  digest(): Promise<Uint8Array>;
}

const oracles: Readonly<Partial<Record<ChecksumAlgorithm, () => OracleChecksum>>> = {
  CRC32: () => new Crc32Js(),
  CRC32C: () => new Crc32cJs(),
  CRC64NVME: () => new Crc64NvmeJs(),
  XXHASH64: () => new Xxh64(),
  XXHASH3: () => new Xxh3_64(),
  XXHASH128: () => new Xxh3_128(),
};

test("the AWS SDK computes the same, in the same byte order", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
      for (const [algorithm, create] of Object.entries(oracles)) {
        const oracle = create();
        oracle.update(bytes);
        const expected = hex(await oracle.digest());
        assert.equal(hex(computeChecksum(algorithm as ChecksumAlgorithm, bytes)), expected);
      }
    }),
    { numRuns: 60 },
  );
});

test("a checksum value is base64 of exactly its length", () => {
  assert.deepEqual(parseChecksumValue("CRC32", "AAAAAQ=="), Buffer.from([0, 0, 0, 1]));
  const badTexts = "AAAAAQ AAAAAQ= AAAAAR== AAAA AAAAAAAA AA-_AQ== AAAAAQ==AAAA ==== AAAAA===";
  for (const text of [...badTexts.split(" "), "", "AAAAAQ==\n", " AAAAAQ=="]) {
    assert.equal(parseChecksumValue("CRC32", text), undefined, text);
  }
  for (const algorithm of algorithms) {
    const value = computeChecksum(algorithm, Buffer.from("x"));
    const text = Buffer.from(value).toString("base64");
    assert.deepEqual(hex(parseChecksumValue(algorithm, text) as Uint8Array), hex(value));
  }
});

test("headers and algorithms find each other", () => {
  for (const algorithm of algorithms) {
    assert.equal(checksumAlgorithmOfHeader(checksumHeaderNames[algorithm]), algorithm);
    assert.ok(isChecksumAlgorithm(algorithm));
  }
  assert.equal(checksumAlgorithmOfHeader("x-amz-checksum-algorithm"), undefined);
  assert.ok(!isChecksumAlgorithm("toString"));
});

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

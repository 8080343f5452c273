// Request bodies that are read whole before the operation runs: bounded, checked against the digests
// that the client sent, and only then believed. The order of refusals is S3's.

import { collectBytes, TooManyBytesError } from "../base/bytes.ts";
import {
  checksumAlgorithmOfHeader,
  checksumHeaderNames,
  computeChecksum,
  parseChecksumValue,
  type ChecksumAlgorithm,
} from "../body/checksum.ts";
import type { RequestPayload } from "../body/request-payload.ts";
import { S3Error } from "../model/errors.ts";
import { collectedBodyBytes } from "../model/limits.ts";
import type { InputMember, OperationDefinition } from "../model/operation-table.ts";
import { shapes } from "../model/operations.generated.ts";
import { compileReader, readXml, XmlRefusedError, type ElementReader } from "./xml-reader.ts";

export interface BodyHeaders {
  get(name: string): string | undefined;
  entries(): Iterable<[string, string]>;
}

/** Fills in what the body holds. Throws S3Error. */
export type BodyDecoder = (
  input: Record<string, unknown>,
  headers: BodyHeaders,
  payload: RequestPayload,
  hasBody: boolean,
) => Promise<void>;

/** `undefined` when the operation has no body, or reads it as a stream itself. */
export function compileBodyDecoder(operation: OperationDefinition): BodyDecoder | undefined {
  const payload = operation.input.find((member) => member.in === "payload");
  const interpret = compileInterpreter(operation, payload);
  if (interpret === undefined) return undefined;
  const isRequired = operation.inputRoot !== undefined || payload?.required === true;
  const limitBytes = collectedBodyBytes(operation.name);
  // CompleteMultipartUpload's checksums are those of the object to be, not of its own document.
  const bindsChecksums = operation.input.some(
    (member) => checksumAlgorithmOfHeader(member.wire.toLowerCase()) !== undefined,
  );
  return async (input, headers, source, hasBody) => {
    const digests = bindsChecksums ? readMd5Alone(headers) : readDigests(headers, source);
    // An ACL may come in headers alone: then there is nothing to protect.
    const mayBeEmpty = !isRequired && (!hasBody || source.lengthBytes === 0);
    if (operation.checksumRequired === true && digests.isMissing && !mayBeEmpty) {
      throw new S3Error("InvalidRequest", {
        message: "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
      });
    }
    const bytes = await collect(source, limitBytes);
    if (bytes.byteLength === 0) {
      if (isRequired) throw new S3Error(operation.emptyBodyError ?? "MissingRequestBodyError");
    } else interpret(input, bytes);
    checkDigests(digests, bytes, source);
  };
}

type Interpreter = (input: Record<string, unknown>, bytes: Uint8Array) => void;

function compileInterpreter(
  operation: OperationDefinition,
  payload: InputMember | undefined,
): Interpreter | undefined {
  if (payload === undefined) {
    const root = operation.inputRoot;
    if (root === undefined) return undefined;
    const reader = compileReader(operation.input.filter((member) => member.in === "body"));
    return (input, bytes) => Object.assign(input, readBody(operation, root, reader, bytes));
  }
  const { name, wire, type } = payload;
  if (type === "string") {
    return (input, bytes) => {
      input[name] = Buffer.from(bytes).toString("utf8");
    };
  }
  if (typeof type !== "object" || !("structure" in type)) return undefined;
  const shape = shapes[type.structure];
  if (shape === undefined) return undefined;
  const reader = compileReader(shape.members, shape.union === true);
  return (input, bytes) => {
    input[name] = readBody(operation, wire, reader, bytes);
  };
}

function readBody(
  operation: OperationDefinition,
  root: string,
  reader: ElementReader,
  bytes: Uint8Array,
): unknown {
  try {
    return readXml(bytes, root, reader);
  } catch (error) {
    if (!(error instanceof XmlRefusedError)) throw error;
    throw new S3Error(operation.malformedBodyError ?? "MalformedXML", { cause: error });
  }
}

async function collect(payload: RequestPayload, limitBytes: number): Promise<Uint8Array> {
  const tooLong = { fields: { MaxMessageLengthBytes: limitBytes } };
  if ((payload.lengthBytes ?? 0) > limitBytes)
    throw new S3Error("MaxMessageLengthExceeded", tooLong);
  try {
    return await collectBytes(payload.stream, limitBytes);
  } catch (error) {
    if (error instanceof TooManyBytesError) throw new S3Error("MaxMessageLengthExceeded", tooLong);
    throw error;
  }
}

interface Digests {
  readonly md5: { readonly sent: string; readonly bytes: Uint8Array } | undefined;
  readonly checksum:
    | { readonly algorithm: ChecksumAlgorithm; readonly bytes: Uint8Array }
    | undefined;
  /** Neither sent nor announced as a trailing field. */
  readonly isMissing: boolean;
}

const checksumPrefix = "x-amz-checksum-";
/** They begin like checksums and are none. */
const notChecksums: ReadonlySet<string> = new Set([
  "x-amz-checksum-algorithm",
  "x-amz-checksum-mode",
  "x-amz-checksum-type",
]);

function readDigests(headers: BodyHeaders, payload: RequestPayload): Digests {
  const checksum = readChecksum(headers);
  const algorithm = headers.get("x-amz-sdk-checksum-algorithm");
  const hasTrailer = payload.announcedTrailers.length > 0;
  if (algorithm !== undefined && algorithm !== "") {
    if (checksum === undefined && !hasTrailer) {
      throw new S3Error("InvalidRequest", {
        message:
          "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
      });
    }
    if (checksum !== undefined && checksum.algorithm !== algorithm.toUpperCase()) {
      throw new S3Error("InvalidRequest", {
        message: "Value for x-amz-sdk-checksum-algorithm header is invalid.",
      });
    }
  }
  const md5 = readMd5(headers);
  return { md5, checksum, isMissing: md5 === undefined && checksum === undefined && !hasTrailer };
}

function readMd5Alone(headers: BodyHeaders): Digests {
  const md5 = readMd5(headers);
  return { md5, checksum: undefined, isMissing: md5 === undefined };
}

function readChecksum(headers: BodyHeaders): Digests["checksum"] {
  let found: Digests["checksum"];
  for (const [name, value] of headers.entries()) {
    if (!name.startsWith(checksumPrefix) || notChecksums.has(name)) continue;
    const algorithm = checksumAlgorithmOfHeader(name);
    if (algorithm === undefined) {
      throw new S3Error("InvalidRequest", {
        message: "The algorithm type you specified in x-amz-checksum- header is invalid.",
      });
    }
    if (found !== undefined) {
      throw new S3Error("InvalidRequest", {
        message:
          "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
      });
    }
    found = { algorithm, bytes: parseChecksum(algorithm, value) };
  }
  return found;
}

function parseChecksum(algorithm: ChecksumAlgorithm, value: string): Uint8Array {
  const bytes = parseChecksumValue(algorithm, value);
  if (bytes !== undefined) return bytes;
  throw new S3Error("InvalidRequest", {
    message: `Value for ${checksumHeaderNames[algorithm]} header is invalid.`,
  });
}

function readMd5(headers: BodyHeaders): Digests["md5"] {
  const sent = headers.get("content-md5");
  if (sent === undefined) return undefined;
  const bytes = parseChecksumValue("MD5", sent);
  if (bytes === undefined) throw new S3Error("InvalidDigest", { fields: { "Content-MD5": sent } });
  return { sent, bytes };
}

function checkDigests(digests: Digests, bytes: Uint8Array, payload: RequestPayload): void {
  const { md5, checksum } = digests;
  if (md5 !== undefined) {
    const computed = computeChecksum("MD5", bytes);
    if (Buffer.compare(computed, md5.bytes) !== 0) {
      throw new S3Error("BadDigest", {
        fields: {
          ExpectedDigest: md5.sent,
          CalculatedDigest: Buffer.from(computed).toString("base64"),
        },
      });
    }
  }
  if (checksum !== undefined) checkChecksum(checksum.algorithm, checksum.bytes, bytes);
  for (const [name, value] of payload.trailers) {
    const algorithm = checksumAlgorithmOfHeader(name);
    if (algorithm !== undefined) checkChecksum(algorithm, parseChecksum(algorithm, value), bytes);
  }
}

function checkChecksum(algorithm: ChecksumAlgorithm, sent: Uint8Array, bytes: Uint8Array): void {
  if (Buffer.compare(computeChecksum(algorithm, bytes), sent) === 0) return;
  throw new S3Error("BadDigest", {
    message: `The ${algorithm} you specified did not match the calculated checksum.`,
  });
}

// The fields of a browser's form as the input of the upload that they ask for. Fields are named as the
// headers of PutObject are, but for two, so one decoder serves both.

import { S3Error } from "../model/errors.ts";
import { operations, shapes } from "../model/operations.generated.ts";
import type { PutObjectInput, Tagging } from "../model/types.generated.ts";
import type { FormUpload } from "../operations/operation.ts";
import { checkKeyLength, type Address } from "./address.ts";
import { compileInputDecoder } from "./decode-input.ts";
import type { LazyPayload } from "./lazy-payload.ts";
import { compileReader, readXml, XmlRefusedError } from "./xml-reader.ts";

/** Fields beside those that begin with `x-amz-` (POST Object, "HTML form fields"). */
const plainFields: ReadonlySet<string> = new Set([
  "cache-control",
  "content-type",
  "content-disposition",
  "content-encoding",
  "content-language",
  "content-md5",
  "expires",
]);

const decodeUpload = compileInputDecoder(operations.PutObject);
const taggingReader = compileReader((shapes["Tagging"] as (typeof shapes)[string]).members);

/** Throws S3Error KeyTooLongError, MalformedXML and whatever the headers of an upload give cause to. */
export async function decodeFormUpload(
  { fields, key }: FormUpload,
  address: Address,
  payload: LazyPayload,
): Promise<PutObjectInput> {
  checkKeyLength(key);
  const headers = new Map<string, string>();
  for (const [name, value] of fields) {
    if (name === "acl") headers.set("x-amz-acl", asHeader(value));
    else if (name === "tagging") headers.set("x-amz-tagging", readTagging(value));
    else if (name.startsWith("x-amz-") || plainFields.has(name)) headers.set(name, asHeader(value));
  }
  const input = await decodeUpload({
    address: { ...address, level: "object", key },
    query: [],
    headers,
    hasBody: true,
    payload,
  });
  // Made by the decoder of this very operation.
  return input as unknown as PutObjectInput;
}

/** Headers carry bytes as Latin-1 characters. */
function asHeader(value: string): string {
  return Buffer.from(value, "utf8").toString("latin1");
}

/** A document in a form, a query in a header. */
function readTagging(text: string): string {
  try {
    const bytes = Buffer.from(text, "utf8");
    const { TagSet } = readXml(bytes, "Tagging", taggingReader) as Tagging;
    return TagSet.map(
      ({ Key, Value }) => `${encodeURIComponent(Key)}=${encodeURIComponent(Value)}`,
    ).join("&");
  } catch (error) {
    if (!(error instanceof XmlRefusedError)) throw error;
    throw new S3Error("MalformedXML", { cause: error });
  }
}

// PostObject: a browser's form. Its fields say what an upload's headers say, its policy what they may
// say, and its file is the object; from there on it is a PutObject of whoever signed the policy.

import { uploadActions } from "../../access/authorize.ts";
import { checkFormPolicy, parseFormPolicy, type FormSizes } from "../../access/form/form-policy.ts";
import { authenticateForm, requireField } from "../../access/form/form-signature.ts";
import type { FormFields, SignedForm } from "../../access/form/form-signature.ts";
import type { RequestAccess } from "../../access/request-access.ts";
import type { ByteStream } from "../../base/bytes.ts";
import { parseBoundary, readFormData, type FormData } from "../../body/form-data.ts";
import type { RequestPayload } from "../../body/request-payload.ts";
import { S3Error } from "../../model/errors.ts";
import type { OperationTypes, PutObjectInput } from "../../model/types.generated.ts";
import { causeOf } from "../change-cause.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { Reply } from "../operation.ts";
import { storeUpload } from "./put-object.ts";

type Input = OperationTypes["PostObject"]["input"];
type Output = OperationTypes["PostObject"]["output"];
type Put = OperationTypes["PutObject"]["output"];

export const postObject: Operation<Input, Output> = async (input, context) => {
  const boundary = parseBoundary(input.ContentType);
  const form = await readFormData(context.payload.stream, boundary);
  const fields = readFields(form);
  const key = requireField(fields, "key");
  if (key === "") {
    throw new S3Error("InvalidArgument", {
      message: "User key must have a length greater than 0.",
      fields: { ArgumentName: "key", ArgumentValue: "" },
    });
  }
  const signed = await authenticateForm(fields, context);
  const sizes = judgePolicy(fields, signed, input.Bucket, context);
  const upload = await context.decodeForm({ fields, key });
  const access = context.accessFor(signed.caller, signed.signatureVersion, upload);
  await demandUpload(upload, access);
  const stream = bounded(form.file.stream, sizes, context.notes);
  const stored = await storeUpload(
    upload,
    () => undefined,
    uploadContext(context, signed, {
      access,
      stream,
    }),
  );
  return answer({ fields, key, stored, bucketName: input.Bucket }, context);
};

/**
 * By lower-case name: names have no case in S3's forms. `${filename}` stands for the file's name in every
 * field but the policy, which is signed as it is. Values of one name become one, as headers do.
 */
function readFields({ fields, file }: FormData): FormFields {
  const found = new Map<string, string>();
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    // A file's name is text, not a pattern of replacements.
    const text = lower === "policy" ? value : value.replaceAll("${filename}", () => file.name);
    const earlier = found.get(lower);
    found.set(lower, earlier === undefined ? text : `${earlier},${text}`);
  }
  return found;
}

/** Without a policy, which is without a signature, every size will do. Throws S3Error. */
function judgePolicy(
  fields: FormFields,
  { signatureVersion }: SignedForm,
  bucketName: string,
  { clock }: OperationContext,
): FormSizes {
  if (signatureVersion === undefined) {
    return { minimumBytes: 0, maximumBytes: Number.POSITIVE_INFINITY };
  }
  const policy = parseFormPolicy(requireField(fields, "policy"));
  return checkFormPolicy(policy, fields, { bucketName, nowMilliseconds: clock.now() });
}

async function demandUpload(upload: PutObjectInput, access: RequestAccess): Promise<void> {
  const acl = { of: "bucket", permission: "WRITE" } as const;
  const place = { bucketName: upload.Bucket, key: upload.Key, acl };
  await access.demand({ action: "s3:PutObject", ...place });
  // The members of a typed input are those that authorization knows by name.
  for (const action of uploadActions({ ...upload })) await access.demand({ action, ...place });
}

/** The same request, of the form's own signer and with nothing but the file for a body. */
function uploadContext(
  context: OperationContext,
  { caller, signatureVersion }: SignedForm,
  found: { readonly access: RequestAccess; readonly stream: ByteStream },
): OperationContext {
  const payload: RequestPayload = {
    stream: found.stream,
    lengthBytes: undefined,
    isTransferCoded: false,
    announcedTrailers: [],
    trailers: new Map(),
  };
  return {
    requestId: context.requestId,
    caller,
    // Of the form's own signer, whatever the event of an upload is.
    cause: () => causeOf(caller, context.cause("ObjectCreated:Post")),
    access: found.access,
    objects: context.objects,
    accessFor: context.accessFor,
    decodeForm: context.decodeForm,
    credentials: context.credentials,
    accounts: context.accounts,
    clock: context.clock,
    region: context.region,
    encryption: { ...context.encryption, signatureVersion },
    mfa: context.mfa,
    notifications: context.notifications,
    bucketDefaults: context.bucketDefaults,
    store: context.store,
    payload,
    resourceUrl: context.resourceUrl,
    signal: context.signal,
    notes: context.notes,
  };
}

/** Throws S3Error EntityTooLarge as soon as the bytes are too many, EntityTooSmall at their end. */
async function* bounded(
  stream: ByteStream,
  { minimumBytes, maximumBytes }: FormSizes,
  notes: OperationContext["notes"],
): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of stream) {
    sizeBytes += chunk.byteLength;
    if (sizeBytes > maximumBytes) {
      throw new S3Error("EntityTooLarge", {
        fields: { ProposedSize: sizeBytes, MaxSizeAllowed: maximumBytes },
      });
    }
    yield chunk;
  }
  notes.objectBytes = sizeBytes;
  if (sizeBytes < minimumBytes) {
    throw new S3Error("EntityTooSmall", {
      fields: { ProposedSize: sizeBytes, MinSizeAllowed: minimumBytes },
    });
  }
}

interface Posted {
  readonly fields: FormFields;
  readonly key: string;
  readonly stored: Put;
  readonly bucketName: string;
}

/** POST Object, "Response elements": 204 without a body unless the form wants something else. */
function answer(
  { fields, key, stored, bucketName }: Posted,
  { resourceUrl }: OperationContext,
): Reply<Output> {
  const { ETag = "" } = stored;
  const redirect = parseRedirect(fields.get("success_action_redirect") ?? fields.get("redirect"));
  if (redirect !== undefined) {
    redirect.searchParams.append("bucket", bucketName);
    redirect.searchParams.append("key", key);
    redirect.searchParams.append("etag", ETag);
    return new Reply({ ...stored, Location: redirect.href }, 303);
  }
  const location = `${resourceUrl.replace(/\/$/, "")}/${encodePath(key)}`;
  const output = { ...stored, Location: location };
  switch (fields.get("success_action_status")) {
    case "200":
      return new Reply(output, 200);
    case "201": {
      const PostResponse = { Location: location, Bucket: bucketName, Key: key, ETag };
      return new Reply({ ...output, PostResponse }, 201);
    }
    default:
      return new Reply(output, 204);
  }
}

/** A text that is no address counts as not there (POST Object, `success_action_redirect`). */
function parseRedirect(text: string | undefined): URL | undefined {
  if (text === undefined || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  return url.protocol === "http:" || url.protocol === "https:" ? url : undefined;
}

function encodePath(key: string): string {
  return key.split("/").map(encodeURIComponent).join("/");
}

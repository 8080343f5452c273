// Forms as browsers send them, and their policies signed in both ways.

import { createHmac } from "node:crypto";

export type FormField = readonly [name: string, value: string];

export interface FormFile {
  readonly name: string;
  readonly content: string | Uint8Array;
}

export interface Signer {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const boundary = "----WebKitFormBoundaryAbCdEf0123456789";
export const formType = `multipart/form-data; boundary=${boundary}`;

export function formBody(
  fields: readonly FormField[],
  file: FormFile | undefined = { name: "file.txt", content: "file content" },
  fieldsBehind: readonly FormField[] = [],
): Buffer {
  const parts: Buffer[] = fields.map(fieldPart);
  if (file !== undefined) {
    parts.push(
      Buffer.from(
        `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${file.name}"\r\nContent-Type: text/plain\r\n\r\n`,
      ),
      Buffer.from(file.content as string),
      Buffer.from("\r\n"),
    );
  }
  parts.push(...fieldsBehind.map(fieldPart), Buffer.from(`--${boundary}--\r\n`));
  return Buffer.concat(parts);
}

function fieldPart([name, value]: FormField): Buffer {
  return Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
}

export type Condition = readonly unknown[] | Readonly<Record<string, unknown>>;

export function encodePolicy(document: unknown): string {
  return Buffer.from(JSON.stringify(document)).toString("base64");
}

/** The fields that sign these conditions with Signature Version 4, conditions for them included. */
export function signedFieldsV4(
  signer: Signer,
  conditions: readonly Condition[],
  options: { readonly now?: Date; readonly expires?: Date; readonly region?: string } = {},
): readonly FormField[] {
  const { now = new Date(), region = "us-east-1" } = options;
  const date = now.toISOString().replaceAll(/[-:]|\.\d+/g, "");
  const credential = `${signer.accessKeyId}/${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const own: readonly FormField[] = [
    ["x-amz-algorithm", "AWS4-HMAC-SHA256"],
    ["x-amz-credential", credential],
    ["x-amz-date", date],
  ];
  const policy = encodePolicy({
    expiration: (options.expires ?? new Date(now.getTime() + 600_000)).toISOString(),
    conditions: [...conditions, ...own.map(([name, value]) => ({ [name]: value }))],
  });
  return [...own, ["policy", policy], ["x-amz-signature", signatureV4(signer, credential, policy)]];
}

export function signatureV4(signer: Signer, credential: string, policy: string): string {
  let key: Buffer = Buffer.from(`AWS4${signer.secretAccessKey}`);
  for (const part of credential.split("/").slice(1)) {
    key = createHmac("sha256", key).update(part).digest();
  }
  return createHmac("sha256", key).update(policy).digest("hex");
}

/** The fields that sign a policy with Signature Version 2. */
export function signedFieldsV2(signer: Signer, document: unknown): readonly FormField[] {
  const policy = typeof document === "string" ? document : encodePolicy(document);
  const signature = createHmac("sha1", signer.secretAccessKey).update(policy).digest("base64");
  return [
    ["AWSAccessKeyId", signer.accessKeyId],
    ["policy", policy],
    ["signature", signature],
  ];
}

// The second factor that a bucket with MFA delete asks for: the root user of the bucket's owner, and a
// code of one of its devices (Guide, "Configuring MFA delete").

import { S3Error } from "../../model/errors.ts";
import { mfaRefusal } from "../../objects/deletion-permits.ts";
import type { BucketRecord } from "../../objects/records/bucket-record.ts";
import type { OperationContext } from "../operation.ts";

/**
 * Resolves when the header `x-amz-mfa` holds a code that is good for this bucket; uses the code up.
 * Throws S3Error AccessDenied, InvalidArgument for a header of another form, InvalidRequest.
 */
export async function authenticateMfa(
  header: string | undefined,
  bucket: BucketRecord,
  { caller, mfa }: OperationContext,
): Promise<void> {
  if (header === undefined) throw mfaRefusal();
  const [, serialNumber, code] = /^(\S+) (\d{6})$/.exec(header) ?? [];
  if (serialNumber === undefined || code === undefined) {
    // Seen on the service: github.com/iterate-ch/cyberduck/issues/16267.
    throw new S3Error("InvalidArgument", {
      message:
        "Mfa header is invalid -- the header should be formatted as {serialNumber}(space){tokenCode}",
      fields: { ArgumentName: "x-amz-mfa" },
    });
  }
  if (!mfa.isSafe) {
    throw new S3Error("InvalidRequest", {
      message: "Requests that carry an MFA code must be made over a secure connection.",
    });
  }
  if (caller.kind === "anonymous") throw mfaRefusal();
  // Seen on the service: github.com/99designs/aws-vault/issues/793.
  if (caller.principal.session !== undefined) {
    throw new S3Error("InvalidRequest", {
      message: "DevPay and Mfa are mutually exclusive authorization methods.",
    });
  }
  const isOwner = caller.principal.kind === "root" && caller.canonicalId === bucket.ownerId;
  if (!isOwner) {
    throw new S3Error("AccessDenied", {
      message: "This operation may only be performed by the bucket owner",
    });
  }
  const owner = { accountId: caller.accountId, ownerId: caller.accountId };
  const isGood = await mfa.verifier?.verify(owner, serialNumber, code);
  if (isGood !== true) throw mfaRefusal();
}

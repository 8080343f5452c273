// A bucket's inventory configurations: what may be put, and how it is kept.

import { S3Error } from "../model/errors.ts";
import type { InventoryConfiguration } from "../model/types.generated.ts";
import { checkDestination } from "./delivery-destination.ts";

/** The first part of the kind of a bucket's documents. */
export const inventoryKind = "inventory";

const keyName =
  /^(?:arn:aws(?:-[a-z-]+)?:kms:[a-z0-9-]+:\d{12}:)?(?:(?:key|alias)\/)?[\w/-]{1,256}$/;

/**
 * Throws S3Error. The decoder has checked what the model says: what must be there, and the enumerations.
 * A report is encrypted in one way ("SSE-S3 or SSE-KMS", Guide).
 */
export function checkInventoryConfiguration(configuration: InventoryConfiguration): void {
  const { S3BucketDestination: destination } = configuration.Destination;
  checkDestination({
    arn: destination.Bucket,
    accountId: destination.AccountId,
    prefix: destination.Prefix,
  });
  const { Encryption: encryption } = destination;
  if (encryption !== undefined) {
    if ((encryption.SSES3 === undefined) === (encryption.SSEKMS === undefined)) {
      throw new S3Error("MalformedXML");
    }
    const keyId = encryption.SSEKMS?.KeyId;
    if (keyId !== undefined && !keyName.test(keyId)) {
      throw new S3Error("InvalidArgument", {
        message: "The KMS key must be named by its ID or ARN",
        fields: { ArgumentName: "KeyId", ArgumentValue: keyId },
      });
    }
  }
  const { OptionalFields: fields = [] } = configuration;
  if (new Set(fields).size !== fields.length) throw new S3Error("MalformedXML");
}

/** What a bucket's document of the kind `inventory/<id>` holds. */
export function formatInventoryConfiguration(configuration: InventoryConfiguration): string {
  return JSON.stringify({ v: 1, configuration });
}

export function parseInventoryConfiguration(text: string): InventoryConfiguration {
  return (JSON.parse(text) as { readonly configuration: InventoryConfiguration }).configuration;
}

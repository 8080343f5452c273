// The policies that keys have where nobody has given them one, letter for letter as AWS writes them.

import type { KeyPlace } from "./key-arn.ts";
import type { KeyProtection } from "./key-provider.ts";

/** Of a customer's key: its account decides by the policies of its identities. */
export function defaultKeyPolicy(accountId: string): string {
  return `{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::${accountId}:root"
    },
    "Action" : "kms:*",
    "Resource" : "*"
  } ]
}`;
}

/**
 * Of a key that a provider far away keeps: its default key counts as each account's own `aws/s3`, the
 * others belong to the account that the provider is configured for.
 */
export function remoteKeyProtection(
  keyArn: string,
  isDefault: boolean,
  { callerAccountId, place }: { readonly callerAccountId: string; readonly place: KeyPlace },
): KeyProtection {
  const accountId = isDefault ? callerAccountId : place.accountId;
  const policy = isDefault ? s3KeyPolicy(accountId, place.region) : defaultKeyPolicy(accountId);
  return { keyArn, accountId, policy };
}

/** Of `aws/s3`: whoever in the account may use S3 uses the key through S3, and nobody otherwise. */
export function s3KeyPolicy(accountId: string, region: string): string {
  return `{
  "Version" : "2012-10-17",
  "Id" : "auto-s3-2",
  "Statement" : [ {
    "Sid" : "Allow access through S3 for all principals in the account that are authorized to use S3",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "*"
    },
    "Action" : [ "kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey" ],
    "Resource" : "*",
    "Condition" : {
      "StringEquals" : {
        "kms:CallerAccount" : "${accountId}",
        "kms:ViaService" : "s3.${region}.amazonaws.com"
      }
    }
  }, {
    "Sid" : "Allow direct access to key metadata to the account",
    "Effect" : "Allow",
    "Principal" : {
      "AWS" : "arn:aws:iam::${accountId}:root"
    },
    "Action" : [ "kms:Describe*", "kms:Get*", "kms:List*" ],
    "Resource" : "*"
  } ]
}`;
}

// IAM's actions on access keys.

import type { AccessKeyOwner } from "../../access/identities/access-keys.ts";
import { IdentityError } from "../../access/identities/identity-error.ts";
import {
  ownUserName,
  pageMembers,
  pageRequestOf,
  type IamActionTable,
  type IamContext,
} from "./iam-action.ts";

export const accessKeyActions: IamActionTable<
  | "CreateAccessKey"
  | "ListAccessKeys"
  | "UpdateAccessKey"
  | "DeleteAccessKey"
  | "GetAccessKeyLastUsed"
> = {
  async CreateAccessKey(input, context) {
    const owner = ownerOf(input.UserName, context);
    const { key, secret } = await context.identities.accessKeys.create(owner);
    return {
      AccessKey: {
        UserName: owner.userName ?? rootName,
        AccessKeyId: key.accessKeyId,
        Status: key.status,
        SecretAccessKey: secret,
        CreateDate: new Date(key.createdMilliseconds),
      },
    };
  },

  async ListAccessKeys(input, context) {
    const owner = ownerOf(input.UserName, context);
    const page = await context.identities.accessKeys.list(owner, pageRequestOf(input));
    const AccessKeyMetadata = page.items.map(({ accessKeyId, status, createdMilliseconds }) => ({
      UserName: owner.userName ?? rootName,
      AccessKeyId: accessKeyId,
      Status: status,
      CreateDate: new Date(createdMilliseconds),
    }));
    return { AccessKeyMetadata, ...pageMembers(page) };
  },

  async UpdateAccessKey(input, context) {
    const owner = ownerOf(input.UserName, context);
    const { AccessKeyId, Status } = input;
    // A key expires by itself or not at all.
    if (Status === "Expired") throw new IdentityError("InvalidInput", "Expired cannot be set.");
    await context.identities.accessKeys.setStatus(owner, AccessKeyId, Status);
  },

  async DeleteAccessKey(input, context) {
    const owner = ownerOf(input.UserName, context);
    await context.identities.accessKeys.delete(owner, input.AccessKeyId);
  },

  async GetAccessKeyLastUsed(input, { identities, accountId }) {
    const use = await identities.accessKeys.lastUsed(accountId, input.AccessKeyId);
    const { lastUsed } = use;
    return {
      UserName: use.userName ?? rootName,
      // A key that was never used has no date, and these words in place of service and region.
      AccessKeyLastUsed:
        lastUsed === undefined
          ? { ServiceName: "N/A", Region: "N/A" }
          : {
              LastUsedDate: new Date(lastUsed.usedMilliseconds),
              ServiceName: lastUsed.service,
              Region: lastUsed.region,
            },
    };
  },
};

/** What IAM's lists of keys call the account's root. */
const rootName = "<root_account>";

function ownerOf(userName: string | undefined, { accountId, caller }: IamContext): AccessKeyOwner {
  return { accountId, userName: userName ?? ownUserName(caller) };
}

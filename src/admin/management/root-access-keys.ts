// Access keys of accounts' roots: how whoever runs the server hands a new account over. The root itself
// has IAM's own actions for its keys.

import type { AccountId } from "../../access/caller.ts";
import {
  accountSubject,
  nextToken,
  pageRequestOf,
  timeText,
  type ManagementActionTable,
} from "./management-action.ts";

export const rootAccessKeyActions: ManagementActionTable<
  "CreateRootAccessKey" | "ListRootAccessKeys" | "DeleteRootAccessKey"
> = {
  CreateRootAccessKey: {
    isForRootAccount: true,
    subject: accountSubject,
    async run({ AccountId }, call) {
      call.demandUnnarrowed();
      const { identities } = call.dependencies;
      const { accountId } = await identities.accounts.get(AccountId);
      const { key, secret } = await identities.accessKeys.create(rootOf(accountId));
      return {
        AccessKey: {
          AccessKeyId: key.accessKeyId,
          SecretAccessKey: secret,
          AccountId,
          Status: key.status,
          CreatedAt: timeText(key.createdMilliseconds),
        },
      };
    },
  },

  ListRootAccessKeys: {
    isForRootAccount: true,
    subject: accountSubject,
    async run(input, { dependencies }) {
      const { identities } = dependencies;
      const { accountId } = await identities.accounts.get(input.AccountId);
      const page = await identities.accessKeys.list(rootOf(accountId), pageRequestOf(input));
      const AccessKeys = page.items.map(({ accessKeyId, status, createdMilliseconds }) => ({
        AccessKeyId: accessKeyId,
        Status: status,
        CreatedAt: timeText(createdMilliseconds),
      }));
      return { AccessKeys, ...nextToken(page) };
    },
  },

  DeleteRootAccessKey: {
    isForRootAccount: true,
    subject: accountSubject,
    async run({ AccountId, AccessKeyId }, { dependencies }) {
      const { identities } = dependencies;
      const { accountId } = await identities.accounts.get(AccountId);
      await identities.accessKeys.delete(rootOf(accountId), AccessKeyId);
      return {};
    },
  },
};

function rootOf(accountId: AccountId): { accountId: AccountId; userName: undefined } {
  return { accountId, userName: undefined };
}

// The end of temporary credentials before their time: of everybody who was given some, or of one session.

import type { AccountId } from "../../access/caller.ts";
import { identityArn, rootArn } from "../../access/identities/identity-names.ts";
import type { ManagementInput } from "../../model/management-actions.ts";
import { pathOf, type ManagementActionTable, type ManagementCall } from "./management-action.ts";
import { invalid } from "./management-error.ts";

type Input = ManagementInput<"RevokeSessions">;

/** The longest that STS gives: GetSessionToken, 36 hours. A revoked session is kept in mind so long. */
const longestSessionMilliseconds = 36 * 3_600_000;

export const sessionActions: ManagementActionTable<"RevokeSessions"> = {
  RevokeSessions: {
    async subject(input, call) {
      const accountId = call.accountOf(input);
      return { accountId, resource: await resourceOf(input, accountId, call) };
    },
    async run(input, call) {
      const accountId = call.accountOf(input);
      const { accounts, users, roles } = call.dependencies.identities;
      const { UserName, RoleName, SessionAccessKeyId } = input;
      await accounts.get(accountId);
      if (UserName !== undefined) await users.revokeSessions(accountId, UserName);
      else if (RoleName !== undefined) await roles.revokeSessions(accountId, RoleName);
      else if (SessionAccessKeyId === undefined) await accounts.revokeRootSessions(accountId);
      else {
        const expires = call.dependencies.clock.now() + longestSessionMilliseconds;
        await roles.revokeSession(accountId, SessionAccessKeyId, expires);
      }
      return {};
    },
  },
};

async function resourceOf(
  input: Input,
  accountId: AccountId,
  { dependencies }: ManagementCall,
): Promise<string> {
  const { UserName, RoleName, Root, SessionAccessKeyId } = input;
  const named = [UserName, RoleName, Root === true ? true : undefined, SessionAccessKeyId];
  if (named.filter((name) => name !== undefined).length !== 1) {
    throw invalid("One of UserName, RoleName, Root and SessionAccessKeyId must be given");
  }
  const { users, roles } = dependencies.identities;
  if (UserName !== undefined) {
    const path = await pathOf(users.get(accountId, UserName));
    return identityArn(accountId, "user", path, UserName);
  }
  if (RoleName !== undefined) {
    const path = await pathOf(roles.get(accountId, RoleName));
    return identityArn(accountId, "role", path, RoleName);
  }
  // Whose session a key belongs to stands in its token alone.
  return Root === true ? rootArn(accountId) : "*";
}

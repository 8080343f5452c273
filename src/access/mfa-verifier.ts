// What MFA delete asks of whoever keeps the devices.

import type { AccountId } from "./caller.ts";

export interface MfaVerifier {
  /**
   * Whether a code is the present one of a device that this owner has enabled. A code is good once.
   * `ownerId`: id of the user, or of the account for its root.
   */
  verify(
    owner: { readonly accountId: AccountId; readonly ownerId: string },
    serialNumber: string,
    code: string,
  ): Promise<boolean>;
}

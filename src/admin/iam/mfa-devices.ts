// IAM's actions on virtual MFA devices.

import { findEntity } from "../../access/identities/entities.ts";
import { rootArn } from "../../access/identities/identity-names.ts";
import type { MfaDevice, MfaOwner } from "../../access/identities/mfa-devices.ts";
import type { User, VirtualMFADevice } from "../../model/iam.generated.ts";
import {
  ownUserName,
  pageMembers,
  pageRequestOf,
  type IamActionTable,
  type IamContext,
} from "./iam-action.ts";
import { listedUserOf, storedTags, tagsOf } from "./iam-shapes.ts";
import { qrCodePng } from "./qr-code.ts";

export const mfaDeviceActions: IamActionTable<
  | "CreateVirtualMFADevice"
  | "EnableMFADevice"
  | "DeactivateMFADevice"
  | "DeleteVirtualMFADevice"
  | "ListMFADevices"
  | "ListVirtualMFADevices"
  | "ResyncMFADevice"
> = {
  async CreateVirtualMFADevice(input, { identities, accountId }) {
    const tags = storedTags(input.Tags);
    const device = await identities.mfaDevices.create(accountId, {
      virtualMFADeviceName: input.VirtualMFADeviceName,
      path: input.Path,
      tags,
    });
    return {
      VirtualMFADevice: {
        SerialNumber: device.serialNumber,
        Base32StringSeed: Buffer.from(device.base32Seed, "ascii"),
        QRCodePNG: await qrCodePng(device.uri),
        ...(tags.length === 0 ? {} : { Tags: tagsOf(tags) }),
      },
    };
  },

  async EnableMFADevice(input, context) {
    const owner = await namedOwner(input.UserName, context);
    await context.identities.mfaDevices.enable(owner, input.SerialNumber, codesOf(input));
  },

  async DeactivateMFADevice(input, context) {
    const owner = await ownerOf(input.UserName, context);
    await context.identities.mfaDevices.deactivate(owner, input.SerialNumber);
  },

  async DeleteVirtualMFADevice(input, { identities, accountId }) {
    await identities.mfaDevices.delete(accountId, input.SerialNumber);
  },

  async ListMFADevices(input, context) {
    const owner = await ownerOf(input.UserName, context);
    const page = await context.identities.mfaDevices.listOf(owner, pageRequestOf(input));
    const MFADevices = page.items.map((device) => ({
      UserName: device.userName ?? rootName,
      SerialNumber: device.serialNumber,
      EnableDate: new Date(device.enabledMilliseconds ?? device.createdMilliseconds),
    }));
    return { MFADevices, ...pageMembers(page) };
  },

  async ListVirtualMFADevices(input, context) {
    const { AssignmentStatus = "Any" } = input;
    const page = await context.identities.mfaDevices.list(context.accountId, {
      ...pageRequestOf(input),
      assigned: AssignmentStatus === "Any" ? undefined : AssignmentStatus === "Assigned",
    });
    const VirtualMFADevices: VirtualMFADevice[] = [];
    for (const device of page.items) VirtualMFADevices.push(await deviceOf(device, context));
    return { VirtualMFADevices, ...pageMembers(page) };
  },

  async ResyncMFADevice(input, context) {
    const owner = await namedOwner(input.UserName, context);
    await context.identities.mfaDevices.resynchronize(owner, input.SerialNumber, codesOf(input));
  },
};

/** What the root of an account is called where IAM asks for the name of a user. */
const rootName = "root";

function codesOf(input: {
  readonly AuthenticationCode1: string;
  readonly AuthenticationCode2: string;
}): { readonly code1: string; readonly code2: string } {
  return { code1: input.AuthenticationCode1, code2: input.AuthenticationCode2 };
}

async function ownerOf(userName: string | undefined, context: IamContext): Promise<MfaOwner> {
  if (userName !== undefined) return namedOwner(userName, context);
  return { accountId: context.accountId, userName: ownUserName(context.caller) };
}

/**
 * AWS gives its root a device in the console alone; here the root names itself `root`, as long as no
 * user has that name.
 */
async function namedOwner(userName: string, context: IamContext): Promise<MfaOwner> {
  const { identities, accountId, caller } = context;
  if (userName === rootName && caller.principal.kind === "root") {
    const user = await identities.database.run((transaction) =>
      findEntity(transaction, "user", accountId, rootName),
    );
    if (user === undefined) return { accountId, userName: undefined };
  }
  return { accountId, userName };
}

async function deviceOf(
  device: MfaDevice,
  { identities, accountId }: IamContext,
): Promise<VirtualMFADevice> {
  const { serialNumber, enabledMilliseconds, ownerId } = device;
  if (ownerId === undefined) return { SerialNumber: serialNumber };
  const user =
    ownerId === accountId ? undefined : await identities.users.findById(accountId, ownerId);
  // Of the root IAM gives no name, though the model calls it required.
  const root: Partial<User> = { UserId: accountId, Arn: rootArn(accountId) };
  return {
    SerialNumber: serialNumber,
    User: user === undefined ? (root as User) : listedUserOf(user),
    ...(enabledMilliseconds === undefined ? {} : { EnableDate: new Date(enabledMilliseconds) }),
  };
}

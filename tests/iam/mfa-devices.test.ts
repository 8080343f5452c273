// Virtual MFA devices, and what a session with a second factor may.

import assert from "node:assert/strict";
import { crc32, inflateSync } from "node:zlib";
import { test } from "node:test";
import { decodeQR } from "qr/decode.js";
import { ManualClock } from "../../src/app.ts";
import { decodeBase32, totpCode, totpStepAt } from "../../src/access/identities/totp.ts";
import { allow, assertRefused, pairOf, startIamServer, text, trust } from "./iam-server.ts";

const clock = new ManualClock(Date.now());
const { iam, arn, as, newUser } = await startIamServer({ clock });

/** The code of a step after the present one. */
function codeOf(seed: Uint8Array, later = 0): string {
  return totpCode(seed, totpStepAt(clock.now()) + later);
}

async function newDevice(name: string): Promise<{ serial: string; seed: Uint8Array }> {
  const { VirtualMFADevice } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: name });
  const base32 = Buffer.from(VirtualMFADevice?.Base32StringSeed ?? []).toString("ascii");
  const seed = decodeBase32(base32);
  assert.ok(seed !== undefined && seed.byteLength >= 20);
  return { serial: text(VirtualMFADevice?.SerialNumber), seed };
}

test("a new device comes with a QR code for authenticator applications", async () => {
  const { VirtualMFADevice } = await iam.createVirtualMFADevice({
    VirtualMFADeviceName: "photographed",
  });
  const seed = Buffer.from(VirtualMFADevice?.Base32StringSeed ?? []).toString("ascii");
  const said = new URL(decodeQR(pixelsOf(Buffer.from(VirtualMFADevice?.QRCodePNG ?? []))));
  assert.equal(said.protocol, "otpauth:");
  assert.equal(said.host, "totp");
  // "otpauth://totp/$virtualMFADeviceName@$AccountName?secret=$Base32String" (API, VirtualMFADevice)
  assert.match(decodeURIComponent(said.pathname), /photographed@\d{12}$/);
  assert.equal(said.searchParams.get("secret"), seed);
});

/** Of a PNG with one bit for each pixel and lines that are not filtered. */
function pixelsOf(png: Buffer): { width: number; height: number; data: Uint8Array } {
  assert.equal(png.subarray(1, 4).toString("latin1"), "PNG");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  const dataLength = png.readUInt32BE(33);
  assert.equal(png.subarray(37, 41).toString("latin1"), "IDAT");
  assert.equal(png.readUInt32BE(41 + dataLength), crc32(png.subarray(37, 41 + dataLength)));
  const lines = inflateSync(png.subarray(41, 41 + dataLength));
  const stride = 1 + Math.ceil(width / 8);
  const data = new Uint8Array(width * height * 4);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const byte = lines[y * stride + 1 + (x >> 3)] ?? 0;
    data.fill(((byte >> (7 - (x & 7))) & 1) * 255, pixel * 4, pixel * 4 + 4);
  }
  return { width, height, data };
}

async function enable(UserName: string, device: { serial: string; seed: Uint8Array }) {
  await iam.enableMFADevice({
    UserName,
    SerialNumber: device.serial,
    AuthenticationCode1: codeOf(device.seed),
    AuthenticationCode2: codeOf(device.seed, 1),
  });
  // Past both codes: none is good twice.
  clock.advance(60_000);
}

test("a device is made, enabled, listed, deactivated and deleted", async () => {
  const UserName = "anna";
  await iam.createUser({ UserName });
  const device = await newDevice("anna-phone");
  const SerialNumber = device.serial;
  assert.equal(SerialNumber, arn("mfa/anna-phone"));
  const unassigned = await iam.listVirtualMFADevices({ AssignmentStatus: "Unassigned" });
  assert.ok(unassigned.VirtualMFADevices?.some((each) => each.SerialNumber === SerialNumber));
  await assertRefused(
    iam.enableMFADevice({
      UserName,
      SerialNumber,
      AuthenticationCode1: "000000",
      AuthenticationCode2: "000000",
    }),
    "InvalidAuthenticationCode",
    "Authentication code for device is not valid.",
  );
  await enable(UserName, device);
  const { MFADevices } = await iam.listMFADevices({ UserName });
  assert.deepEqual(
    MFADevices?.map((each) => [each.UserName, each.SerialNumber]),
    [[UserName, SerialNumber]],
  );
  const assigned = await iam.listVirtualMFADevices({ AssignmentStatus: "Assigned" });
  const listed = assigned.VirtualMFADevices?.find((each) => each.SerialNumber === SerialNumber);
  assert.equal(listed?.User?.Arn, arn("user/anna"));
  assert.ok(listed?.EnableDate instanceof Date);
  await assertRefused(iam.deleteVirtualMFADevice({ SerialNumber }), "DeleteConflict");
  await assertRefused(iam.deleteUser({ UserName }), "DeleteConflict");
  await iam.resyncMFADevice({
    UserName,
    SerialNumber,
    AuthenticationCode1: codeOf(device.seed, 2),
    AuthenticationCode2: codeOf(device.seed, 3),
  });
  await iam.deactivateMFADevice({ UserName, SerialNumber });
  await iam.deleteVirtualMFADevice({ SerialNumber });
  await assertRefused(iam.deleteVirtualMFADevice({ SerialNumber }), "NoSuchEntity");
});

test("the root of the account has a device by the name root", async () => {
  const device = await newDevice("root-device");
  await enable("root", device);
  const { MFADevices } = await iam.listMFADevices({});
  assert.deepEqual(
    MFADevices?.map((each) => each.SerialNumber),
    [device.serial],
  );
  const { SummaryMap } = await iam.getAccountSummary({});
  assert.equal(SummaryMap?.AccountMFAEnabled, 1);
});

test("a session with a code may call IAM, and meets aws:MultiFactorAuthPresent", async () => {
  const user = await newUser("careful", {
    ...allow("iam:ListUsers"),
    Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
  });
  const device = await newDevice("careful-phone");
  await enable("careful", device);
  await assertRefused(user.iam.listUsers({}), "AccessDenied");
  const offset = clock.now() - Date.now();
  const { sts } = as(user.pair, offset);
  const TokenCode = codeOf(device.seed);
  const input = { SerialNumber: device.serial, TokenCode };
  const session = as(pairOf((await sts.getSessionToken(input)).Credentials), offset);
  await session.iam.listUsers({});
  await assertRefused(
    sts.getSessionToken(input),
    "AccessDenied",
    /^MultiFactorAuthentication failed with invalid MFA one time pass code/,
  );
  await assertRefused(sts.getSessionToken({ TokenCode }), "ValidationError");
});

test("a role that asks for a second factor", async () => {
  const user = await newUser("twofold");
  const device = await newDevice("twofold-phone");
  await enable("twofold", device);
  await iam.createRole({
    RoleName: "guarded",
    AssumeRolePolicyDocument: trust(arn("user/twofold"), {
      Condition: { Bool: { "aws:MultiFactorAuthPresent": "true" } },
    }),
  });
  const { sts } = as(user.pair, clock.now() - Date.now());
  const role = { RoleArn: arn("role/guarded"), RoleSessionName: "session" };
  await assertRefused(sts.assumeRole(role), "AccessDenied");
  await sts.assumeRole({ ...role, SerialNumber: device.serial, TokenCode: codeOf(device.seed) });
});

// Reads what stands behind `holdfast admin`: an action, its members, and how to reach the server.

import { parseArgs } from "node:util";

import { parseByteSize } from "../base/byte-sizes.ts";
import {
  adminActions,
  findAdminAction,
  type AdminAction,
  type AdminOption,
} from "./admin-actions.ts";

/** Wrong usage; its message is one clear line. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface AdminInvocation {
  readonly action: AdminAction;
  readonly input: Readonly<Record<string, unknown>>;
  readonly connection: ConnectionOptions;
  readonly isJson: boolean;
}

export interface ConnectionOptions {
  readonly endpoint: string | undefined;
  readonly region: string | undefined;
  /** Where the server's own credentials are. */
  readonly dataDirectory: string | undefined;
}

export type ParsedAdmin = AdminInvocation | { readonly helpOn: AdminAction | undefined };

/** Options of every action, with what their value is called. */
export const commonOptions = [
  ["endpoint", "URL", "Where the server is; default AWS_ENDPOINT_URL, or http://127.0.0.1:9000."],
  ["region", "NAME", "Its region; default AWS_REGION, or us-east-1."],
  ["data", "DIRECTORY", "Uses the root credentials that are kept in this data directory."],
  ["json", undefined, "Prints the answer as JSON."],
  ["help", undefined, "Explains the action."],
] as const;

/** Throws UsageError. `readFile` reads what `@FILE` names. */
export function parseAdminParameters(
  parameters: readonly string[],
  readFile: (path: string) => string,
): ParsedAdmin {
  const [command, ...rest] = parameters;
  if (command === undefined || command === "--help" || command === "-h" || command === "help") {
    return { helpOn: undefined };
  }
  const action = findAdminAction(command);
  if (action === undefined) {
    const known = adminActions.map((each) => each.command).join(", ");
    throw new UsageError(`unknown action ${JSON.stringify(command)}; the actions are ${known}`);
  }
  const given = readOptions(action, rest);
  if (given.has("help")) return { helpOn: action };
  const input: Record<string, unknown> = {};
  for (const option of action.options) {
    const values = given.get(option.name);
    if (values !== undefined) input[option.member] = valueOf(option, values, readFile);
    else if (option.isRequired) throw new UsageError(`--${option.name} must be given`);
  }
  return {
    action,
    input,
    connection: {
      endpoint: given.get("endpoint")?.at(-1),
      region: given.get("region")?.at(-1),
      dataDirectory: given.get("data")?.at(-1),
    },
    isJson: given.get("json")?.at(-1) === "true",
  };
}

function readOptions(
  { options }: AdminAction,
  parameters: readonly string[],
): ReadonlyMap<string, readonly string[]> {
  const isSwitch = new Map<string, boolean>([
    ...commonOptions.map(([name, value]) => [name, value === undefined] as const),
    ...options.map(({ name, kind }) => [name, kind === "switch"] as const),
  ]);
  const { tokens } = parseArgs({
    args: [...parameters],
    options: {
      ...Object.fromEntries(
        [...isSwitch].map(([name, is]) => [name, { type: is ? "boolean" : "string" } as const]),
      ),
      help: { type: "boolean", short: "h" },
    },
    allowPositionals: true,
    allowNegative: true,
    strict: false,
    tokens: true,
  });
  const given = new Map<string, readonly string[]>();
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      throw new UsageError(`${JSON.stringify(token.value)} is unexpected; members are options`);
    }
    const { name, rawName } = token;
    const is = isSwitch.get(name);
    if (is === undefined) throw new UsageError(`unknown option ${rawName}`);
    if (is && token.value !== undefined) throw new UsageError(`${rawName} takes no value`);
    if (!is && token.value === undefined) throw new UsageError(`${rawName} needs a value`);
    const value = token.value ?? (rawName.startsWith("--no-") ? "false" : "true");
    given.set(name, [...(given.get(name) ?? []), value]);
  }
  return given;
}

function valueOf(
  { name, kind }: AdminOption,
  values: readonly string[],
  readFile: (path: string) => string,
): unknown {
  const value = values.at(-1) as string; // given means at least once
  switch (kind) {
    case "switch":
      return value === "true";
    case "number":
      return parseNumber(name, value);
    case "bytes":
      return parseBytes(name, value);
    case "document":
      return value.startsWith("@") ? readFile(value.slice(1)) : value;
    case "pairs":
      return Object.fromEntries(values.map((pair) => parsePair(name, pair)));
    default:
      return value;
  }
}

function parseNumber(name: string, value: string): number {
  if (!/^\d{1,15}$/.test(value)) throw new UsageError(`--${name} needs a number`);
  return Number(value);
}

function parseBytes(name: string, value: string): number {
  const bytes = parseByteSize(value);
  if (bytes !== undefined) return bytes;
  throw new UsageError(`--${name} needs a number of bytes, such as 1000000 or 10GiB`);
}

function parsePair(name: string, pair: string): readonly [string, string] {
  const at = pair.indexOf("=");
  if (at < 1) throw new UsageError(`--${name} needs NAME=VALUE`);
  return [pair.slice(0, at), pair.slice(at + 1)];
}

// The kinds of settings: how each reads its text, and what it says of one that it cannot use. Which
// settings there are is in config-settings.ts and server-settings.ts.

import { parseByteSize } from "./base/byte-sizes.ts";

/** A value from the command line or the environment that cannot be used; its message is one line. */
export class ConfigurationError extends Error {
  override readonly name = "ConfigurationError";
}

export interface Setting<Value> {
  /** Without dashes; `undefined` for what must not appear on a command line. */
  readonly option: string | undefined;
  readonly environment: string;
  /** How help names the value; `undefined` for a switch. */
  readonly valueName: string | undefined;
  readonly isList?: true;
  readonly defaultValue: Value;
  /** How help words the default, where printing it would mislead. */
  readonly defaultText?: string;
  readonly help: string;
  /** Throws a ConfigurationError whose message follows the setting's name. */
  readonly parse: (text: string) => Value;
}

type Basics<Value> = Pick<Setting<Value>, "environment" | "defaultValue" | "help"> & {
  readonly option: string;
  readonly defaultText?: string;
};

export function text(basics: Basics<string> & { readonly valueName: string }): Setting<string> {
  return { ...basics, parse: (value) => parseText(value) };
}

export function optionalText(basics: {
  readonly option: string;
  readonly environment: string;
  readonly valueName: string;
  readonly help: string;
}): Setting<string | undefined> {
  return { ...basics, defaultValue: undefined, parse: (value) => parseText(value) };
}

export function pattern(
  basics: Basics<string> & {
    readonly valueName: string;
    readonly pattern: RegExp;
    readonly expectation: string;
  },
): Setting<string> {
  return { ...basics, parse: (value) => parsePattern(value, basics.pattern, basics.expectation) };
}

export function secret(basics: {
  readonly environment: string;
  readonly help: string;
  readonly pattern: RegExp;
  readonly expectation: string;
}): Setting<string | undefined> {
  const { environment, help } = basics;
  return {
    option: undefined,
    environment,
    help,
    valueName: "TEXT",
    defaultValue: undefined,
    // The value itself must not be repeated in a message.
    parse: (value) => {
      if (basics.pattern.test(value)) return value;
      throw new ConfigurationError(`must be ${basics.expectation}`);
    },
  };
}

export function flag(basics: Basics<boolean>): Setting<boolean> {
  return {
    ...basics,
    valueName: undefined,
    parse: (value) => {
      if (/^(?:1|true|yes|on)$/i.test(value)) return true;
      if (/^(?:0|false|no|off|)$/i.test(value)) return false;
      throw new ConfigurationError(`must be true or false, not ${quote(value)}`);
    },
  };
}

export function integer(
  basics: Basics<number> & { readonly minimum: number; readonly maximum: number },
): Setting<number> {
  const { minimum, maximum, ...rest } = basics;
  return {
    ...rest,
    valueName: "NUMBER",
    parse: (value) => parseInteger(value, minimum, maximum),
  };
}

export function duration(basics: Basics<number>): Setting<number> {
  return {
    ...basics,
    valueName: "TIME",
    defaultText: `${basics.defaultValue / 1000}s`,
    parse: (value) => parseDuration(value),
  };
}

/** `off` is as good as infinite. */
export function sizeOrOff(basics: Basics<number>): Setting<number> {
  return {
    ...basics,
    valueName: "SIZE",
    parse: (value) => (value === "off" ? Number.MAX_SAFE_INTEGER : parseSize(value)),
  };
}

export function choice<Choice extends string>(
  basics: Basics<Choice> & { readonly choices: readonly Choice[] },
): Setting<Choice> {
  const { choices, ...rest } = basics;
  return {
    ...rest,
    valueName: choices.join("|"),
    parse: (value) => {
      const found = choices.find((choice) => choice === value);
      if (found !== undefined) return found;
      throw new ConfigurationError(`must be one of ${choices.join(", ")}, not ${quote(value)}`);
    },
  };
}

function parseText(value: string): string {
  if (value === "" || value.includes("\0")) throw new ConfigurationError("must not be empty");
  return value;
}

function parsePattern(value: string, allowed: RegExp, expectation: string): string {
  if (allowed.test(value)) return value;
  throw new ConfigurationError(`must be ${expectation}, not ${quote(value)}`);
}

export function parseInteger(value: string, minimum: number, maximum: number): number {
  const number = /^[0-9]{1,9}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= minimum && number <= maximum) return number;
  throw new ConfigurationError(
    `must be a whole number from ${minimum} to ${maximum}, not ${quote(value)}`,
  );
}

const unitMilliseconds: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
/** The largest delay that Node's timers take. */
const longestMilliseconds = 2 ** 31 - 1;

function parseDuration(value: string): number {
  const match = /^([0-9]{1,9})(ms|s|m|h)?$/.exec(value);
  const milliseconds = Number(match?.[1]) * (unitMilliseconds[match?.[2] ?? "s"] ?? 1);
  if (milliseconds <= longestMilliseconds) return milliseconds;
  throw new ConfigurationError(`must be a time such as 30s, 500ms or 5m, not ${quote(value)}`);
}

function parseSize(value: string): number {
  const bytes = parseByteSize(value);
  if (bytes !== undefined && bytes >= 1) return bytes;
  throw new ConfigurationError(
    `must be a size such as 512KiB, 100MiB or 2GiB, not ${quote(value)}`,
  );
}

export function parseDomains(value: string): readonly string[] {
  return value
    .split(",")
    .map((domain) => domain.trim().toLowerCase())
    .filter((domain) => domain !== "")
    .map((domain) =>
      parsePattern(
        domain,
        /^(?=.{1,253}$)(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/,
        "a domain name such as s3.example.com",
      ),
    );
}

function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value);
}

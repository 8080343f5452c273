// Reads the file that `--config` names: YAML, of which JSON is a part. A secret need not stand in it:
// `{ fromEnvironment: NAME }` and `{ fromFile: PATH }` may take the place of any text.

import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse, YAMLParseError } from "yaml";
import type { Configuration } from "../config-settings.ts";
import { ConfigurationError } from "../setting-kinds.ts";
import { parseProvisioning, type ProvisioningDocument } from "../provisioning/document.ts";
import { ProvisioningError } from "../provisioning/provisioning-error.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/** What the settings declare; `undefined`: nothing. Throws ConfigurationError. */
export async function findProvisioning(
  settings: Pick<Configuration, "provisioningFile" | "provisioningText">,
  environment: Environment,
): Promise<ProvisioningDocument | undefined> {
  const { provisioningFile: path, provisioningText: text } = settings;
  if (text === undefined) {
    return path === undefined ? undefined : readProvisioning(path, environment);
  }
  if (path === undefined) return parseText(text, "HOLDFAST_CONFIG_TEXT", environment);
  throw new ConfigurationError("--config and HOLDFAST_CONFIG_TEXT cannot be given together");
}

/** Throws ConfigurationError with one line that says what is wrong where. */
export async function readProvisioning(
  path: string,
  environment: Environment,
): Promise<ProvisioningDocument> {
  return parseText(await readNamed("--config", path), path, environment);
}

/** `source`: the file, or the name of a variable. Files that are named in it are beside the file. */
async function parseText(
  text: string,
  source: string,
  environment: Environment,
): Promise<ProvisioningDocument> {
  try {
    const value: unknown = parse(text, { prettyErrors: true });
    const directory = dirname(resolve(source));
    return parseProvisioning(await replaceReferences(value, directory, environment));
  } catch (error) {
    if (error instanceof ProvisioningError || error instanceof YAMLParseError) {
      const [line = ""] = error.message.split("\n", 1);
      throw new ConfigurationError(`--config: ${source}: ${line}`, { cause: error });
    }
    throw error;
  }
}

async function replaceReferences(
  value: unknown,
  directory: string,
  environment: Environment,
): Promise<unknown> {
  if (Array.isArray(value)) {
    return Promise.all(value.map((each) => replaceReferences(each, directory, environment)));
  }
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  const entries = Object.entries(value as Readonly<Record<string, unknown>>);
  const [name, reference] = entries.length === 1 ? (entries[0] ?? []) : [];
  if (name === "fromEnvironment") return readVariable(String(reference), environment);
  if (name === "fromFile") {
    const content = await readNamed("--config", resolve(directory, String(reference)));
    // Editors and `echo` end a file with a line break.
    return content.replace(/\r?\n$/, "");
  }
  const replaced = await Promise.all(
    entries.map(
      async ([key, each]) => [key, await replaceReferences(each, directory, environment)] as const,
    ),
  );
  return Object.fromEntries(replaced);
}

function readVariable(name: string, environment: Environment): string {
  const value = environment[name];
  if (value !== undefined) return value;
  throw new ConfigurationError(`--config: the environment variable ${name} is not set`);
}

async function readNamed(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unreadable";
    throw new ConfigurationError(`${option}: cannot read ${path} (${reason})`, { cause: error });
  }
}

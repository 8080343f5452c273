// Reads the configuration once, from the command line and the environment, validates it and freezes it.
// The command line wins. Knows nothing of files: paths are checked by whoever opens them.

import { parseArgs } from "node:util";

import { settings, type Configuration } from "./config-settings.ts";
import { ConfigurationError, type Setting } from "./setting-kinds.ts";

export { ConfigurationError, type Configuration };

/** `admin` is a client, with options of its own; see cli/. */
export const commands = ["serve", "check", "plan", "rotate-master-key", "help", "version"] as const;
export type Command = (typeof commands)[number];

export interface Invocation {
  readonly command: Command;
  readonly configuration: Configuration;
}

/** One setting, whatever its type: `parse` and the default belong together inside it. */
type AnySetting = Setting<unknown>;

const allSettings = Object.entries(settings) as readonly (readonly [string, AnySetting])[];

/** Throws a ConfigurationError with one clear line. */
export function parseInvocation(
  parameters: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Invocation {
  const { command, given } = readParameters(parameters);
  const values: Record<string, unknown> = {};
  for (const [name, setting] of allSettings) {
    values[name] = valueOf(setting, given, environment);
  }
  // Made from the table, one value of the right type for each entry.
  const configuration = Object.freeze(values) as Configuration;
  // Help must come even when something else is wrong.
  if (command !== "help" && command !== "version") checkTogether(configuration, given);
  return { command, configuration };
}

/** What `holdfast --help` prints. */
export function formatHelp(): string {
  const lines = [
    "Holdfast: an S3-compatible object storage server.",
    "",
    "Usage: holdfast [serve] [options]                 serve S3 until SIGTERM or SIGINT",
    "       holdfast check [--data DIR]                verify every record and block of a data directory",
    "       holdfast plan --config FILE [--data DIR]   print what the file would change, change nothing",
    "       holdfast rotate-master-key [--data DIR]    add a master key; earlier ones stay for reading",
    "       holdfast admin ACTION [options]            administer a running server; holdfast admin --help",
    "       holdfast version | help",
    "",
    "Options (each also as an environment variable; the command line wins):",
    "",
  ];
  for (const [, setting] of allSettings) {
    if (setting.option === undefined) continue;
    const value = setting.valueName === undefined ? "" : ` ${setting.valueName}`;
    lines.push(`  --${setting.option}${value}`);
    lines.push(...wrap(setting.help, 90).map((line) => `      ${line}`));
    const standard = defaultTextOf(setting);
    lines.push(`      ${setting.environment}${standard === "" ? "" : `; default ${standard}`}`);
  }
  lines.push("", "From the environment only:", "");
  for (const [, setting] of allSettings) {
    if (setting.option !== undefined) continue;
    lines.push(`  ${setting.environment}`);
    lines.push(...wrap(setting.help, 90).map((line) => `      ${line}`));
  }
  lines.push("", "Times are numbers with ms, s, m or h; seconds where the unit is missing.");
  return `${lines.join("\n")}\n`;
}

/** The same table for the README. */
export function formatMarkdownTable(): string {
  const lines = ["| Option | Environment | Default | Meaning |", "| --- | --- | --- | --- |"];
  for (const [, setting] of allSettings) {
    const value = setting.valueName === undefined ? "" : ` ${setting.valueName}`;
    const option = setting.option === undefined ? "" : `\`--${setting.option}${value}\``;
    const standard = defaultTextOf(setting);
    const cells = [option, `\`${setting.environment}\``, standard, setting.help];
    lines.push(`| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`);
  }
  return `${lines.join("\n")}\n`;
}

interface Given {
  /** By option name: the values in their order; a switch holds `true` or `false`. */
  readonly options: ReadonlyMap<string, readonly string[]>;
}

function readParameters(parameters: readonly string[]): { command: Command; given: Given } {
  const known: Record<string, { type: "string" | "boolean"; short?: string }> = {
    help: { type: "boolean", short: "h" },
    version: { type: "boolean", short: "v" },
  };
  for (const [, setting] of allSettings) {
    if (setting.option === undefined) continue;
    known[setting.option] = { type: setting.valueName === undefined ? "boolean" : "string" };
  }
  const { tokens } = parseArgs({
    args: [...parameters],
    options: known,
    allowPositionals: true,
    allowNegative: true,
    strict: false,
    tokens: true,
  });
  const options = new Map<string, string[]>();
  let command: Command | undefined;
  let asked: Command | undefined;
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    if (token.kind === "positional") {
      if (command !== undefined) throw unexpected(token.value);
      command = commands.find((name) => name === token.value);
      if (command === undefined) throw unexpected(token.value);
      continue;
    }
    if (token.name === "help" || token.name === "version") {
      asked ??= token.name;
      continue;
    }
    checkOption(token, known);
    const value = token.value ?? (token.rawName.startsWith("--no-") ? "false" : "true");
    options.set(token.name, [...(options.get(token.name) ?? []), value]);
  }
  return { command: asked ?? command ?? "serve", given: { options } };
}

function checkOption(
  token: {
    name: string;
    rawName: string;
    value?: string | undefined;
    inlineValue?: boolean | undefined;
  },
  known: Readonly<Record<string, { readonly type: "string" | "boolean" }>>,
): void {
  const definition = Object.hasOwn(known, token.name) ? known[token.name] : undefined;
  if (definition === undefined) {
    const hidden = allSettings.find(
      ([, setting]) =>
        setting.option === undefined && setting.environment === asVariable(token.name),
    );
    throw new ConfigurationError(
      hidden === undefined
        ? `unknown option ${token.rawName}`
        : `${token.rawName} is not an option, so that no process list shows it: set ${hidden[1].environment}`,
    );
  }
  if (definition.type === "boolean") {
    if (token.value !== undefined) throw new ConfigurationError(`${token.rawName} takes no value`);
    return;
  }
  const isMissing = token.value === undefined;
  const isNextOption = token.inlineValue === false && token.value?.startsWith("-") === true;
  if (isMissing || isNextOption) throw new ConfigurationError(`${token.rawName} needs a value`);
}

function unexpected(value: string): ConfigurationError {
  return new ConfigurationError(
    `unknown command ${JSON.stringify(value)}; the commands are ${commands.join(", ")}`,
  );
}

function valueOf(
  setting: AnySetting,
  given: Given,
  environment: Readonly<Record<string, string | undefined>>,
): unknown {
  const options = setting.option === undefined ? undefined : given.options.get(setting.option);
  if (options !== undefined) {
    const source = `--${setting.option}`;
    if (setting.isList === true)
      return Object.freeze(parseFrom(setting, source, options.join(",")));
    return parseFrom(setting, source, options.at(-1) as string); // never empty: made with a value
  }
  const variable = environment[setting.environment];
  // Kubernetes sets HOLDFAST_PORT=tcp://… in every pod beside a service named holdfast.
  if (variable === undefined || /^(?:tcp|udp|sctp):\/\//.test(variable))
    return setting.defaultValue;
  return parseFrom(setting, setting.environment, variable);
}

function parseFrom(setting: AnySetting, source: string, value: string): unknown {
  try {
    return setting.parse(value);
  } catch (error) {
    if (error instanceof ConfigurationError) {
      throw new ConfigurationError(`${source} ${error.message}`, { cause: error });
    }
    throw error;
  }
}

function checkTogether(configuration: Configuration, given: Given): void {
  if (
    (configuration.tlsKeyFile === undefined) !==
    (configuration.tlsCertificateFile === undefined)
  ) {
    throw new ConfigurationError("--tls-key and --tls-certificate must be given together");
  }
  if ((configuration.rootAccessKey === undefined) !== (configuration.rootSecretKey === undefined)) {
    throw new ConfigurationError(
      "HOLDFAST_ROOT_ACCESS_KEY and HOLDFAST_ROOT_SECRET_KEY must be set together",
    );
  }
  const { masterKeyFile, masterKeyPassphrase, masterKeyPassphraseFile } = configuration;
  const masterKeySettings = [masterKeyFile, masterKeyPassphrase, masterKeyPassphraseFile];
  if (masterKeySettings.filter((setting) => setting !== undefined).length > 1) {
    throw new ConfigurationError(
      "of HOLDFAST_MASTER_KEY_PASSPHRASE, --master-key-passphrase-file and --master-key-file only one can be given",
    );
  }
  if (configuration.isMemoryStore && given.options.has("workers") && configuration.workers > 1) {
    throw new ConfigurationError("--memory works with one worker only");
  }
  checkPorts(configuration);
  const shared = configuration.websiteDomains.find((name) => configuration.domains.includes(name));
  if (shared !== undefined) {
    throw new ConfigurationError(
      `${shared} is given to --domain and --website-domain; --website-port shows websites under any name`,
    );
  }
}

function checkPorts({ port, adminPort, websitePort }: Configuration): void {
  const ports = { "--port": port, "--admin-port": adminPort, "--website-port": websitePort };
  const given = Object.entries(ports).filter(([, each]) => each !== undefined && each !== 0);
  for (const [index, [name, each]] of given.entries()) {
    const same = given.slice(index + 1).find(([, other]) => other === each);
    if (same !== undefined) throw new ConfigurationError(`${name} and ${same[0]} must differ`);
  }
}

function asVariable(option: string): string {
  return `HOLDFAST_${option.toUpperCase().replaceAll("-", "_")}`;
}

function defaultTextOf(setting: AnySetting): string {
  if (setting.defaultText !== undefined) return setting.defaultText;
  const value = setting.defaultValue;
  return typeof value === "string" || typeof value === "number" ? String(value) : "";
}

function wrap(words: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of words.split(" ")) {
    if (line !== "" && line.length + word.length + 1 > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

// What `holdfast admin --help` and the help of one action print.

import { adminActions, type AdminAction, type AdminOption } from "./admin-actions.ts";
import { commonOptions } from "./admin-parameters.ts";
import { formatTable } from "./format-answer.ts";

export function formatAdminHelp(action: AdminAction | undefined): string {
  return action === undefined ? formatOverview() : formatActionHelp(action);
}

const credentials = `Credentials come from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or with
--data from the root-credentials.json of a server's data directory.`;

function formatOverview(): string {
  const rows = adminActions.map(({ command, summary }) => [command, summary]);
  return `Administers a running Holdfast server.

Usage: holdfast admin ACTION [--MEMBER VALUE ...] [options]
       holdfast admin ACTION --help

Actions:

${formatTable(rows, "  ")}
Options of every action:

${formatCommonOptions()}
${credentials}
`;
}

function formatActionHelp({ command, summary, options }: AdminAction): string {
  const rows = options.map((option) => [formatOption(option), describe(option)]);
  const members = rows.length === 0 ? "" : `Members:\n\n${formatTable(rows, "  ")}\n`;
  return `${summary}

Usage: holdfast admin ${command} [--MEMBER VALUE ...] [options]

${members}Options of every action:

${formatCommonOptions()}`;
}

function formatCommonOptions(): string {
  const rows = commonOptions.map(([name, value, help]) => [
    value === undefined ? `--${name}` : `--${name} ${value}`,
    help,
  ]);
  return formatTable(rows, "  ");
}

function formatOption({ name, kind, values }: AdminOption): string {
  if (values.length > 0) return `--${name} ${values.join("|")}`;
  return `--${valueForms[kind](name)}`;
}

const valueForms: Readonly<Record<AdminOption["kind"], (name: string) => string>> = {
  text: (name) => `${name} TEXT`,
  document: (name) => `${name} JSON|@FILE`,
  number: (name) => `${name} NUMBER`,
  bytes: (name) => `${name} BYTES`,
  switch: (name) => `[no-]${name}`,
  pairs: (name) => `${name} NAME=VALUE`,
};

function describe({ help, isRequired, kind }: AdminOption): string {
  const repeated = kind === "pairs" ? " May be given several times." : "";
  return `${help}${repeated}${isRequired ? " Required." : ""}`;
}

// Answers for people: one line for each value, a table for each list.

type Value = unknown;

/** Ends with a line break. */
export function formatAnswer(answer: Readonly<Record<string, Value>>): string {
  const lists: [string, readonly Value[]][] = [];
  const rows: string[][] = [];
  for (const [name, value] of Object.entries(unwrap(answer))) {
    if (Array.isArray(value)) lists.push([name, value]);
    else rows.push(...flatten(name, value).map(([path, text]) => [`${path}:`, text]));
  }
  const parts = rows.length === 0 ? [] : [formatTable(rows)];
  for (const [name, items] of lists) {
    parts.push(items.length === 0 ? `${name}: none\n` : formatList(items));
  }
  return parts.length === 0 ? "Done.\n" : parts.join("\n");
}

/** Columns as wide as their widest cell; the last one as it comes. */
export function formatTable(rows: readonly (readonly string[])[], indent = ""): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  const lines = rows.map((row) =>
    (indent + row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join("  ")).trimEnd(),
  );
  return `${lines.join("\n")}\n`;
}

/** What is in nothing but a wrapping: `{ Account: { … } }`. */
function unwrap(answer: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  const [only, ...others] = Object.values(answer);
  return others.length === 0 && isObject(only) ? only : answer;
}

function flatten(name: string, value: Value): (readonly [string, string])[] {
  if (!isObject(value)) return [[name, textOf(value)]];
  const members = Object.entries(value);
  if (members.length === 0) return [[name, "none"]];
  return members.flatMap(([member, each]) => flatten(`${name}.${member}`, each));
}

function formatList(items: readonly Value[]): string {
  const objects = items.map((item) => (isObject(item) ? item : { Value: item }));
  const names = [...new Set(objects.flatMap((item) => Object.keys(item)))];
  // A policy would make a line of a page; its JSON answer has it.
  const columns = names.filter((name) => !hasDocuments(objects, name));
  const rows = objects.map((item) => columns.map((name) => textOf(item[name])));
  return formatTable([columns, ...rows]);
}

function hasDocuments(objects: readonly Readonly<Record<string, Value>>[], name: string): boolean {
  return objects.some((item) => {
    const value = item[name];
    return isObject(value) || (typeof value === "string" && value.startsWith("{"));
  });
}

function textOf(value: Value): string {
  if (value === undefined || value === null) return "-";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isObject(value: Value): value is Readonly<Record<string, Value>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

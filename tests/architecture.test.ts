// ARCHITECTURE.md is true: what it names is there, and every folder of the source has its place in it.

import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { describe, test } from "node:test";

const architecture = readFileSync("ARCHITECTURE.md", "utf8");

/** Folders of data that a neighbouring test reads. */
const unnamed = new Set(["samples"]);

const roots = ["bin", "src", "tests", "bench", "tools", "docs"];

const tree = roots.flatMap((root) =>
  readdirSync(root, { recursive: true, withFileTypes: true }).map((entry) => ({
    path: join(entry.parentPath, entry.name).split(sep).join("/"),
    name: entry.name,
    isFolder: entry.isDirectory(),
  })),
);

/** What stands between backticks and looks like a file or folder of the project: `src/app.ts`, `http/`. */
function namedPaths(): readonly string[] {
  const code = [...architecture.matchAll(/`([^`\s<>…]+)`/g)].map(([, text]) => text as string);
  return code.filter((text) => /^[\w*][\w.*/-]*(?:\/|\.(?:ts|mjs|md))$/.test(text));
}

function isThere(named: string): boolean {
  if (named.includes("*")) return globSync(named).length > 0;
  const path = named.replace(/\/$/, "");
  if (existsSync(path)) return true;
  return tree.some(
    (entry) => entry.path.endsWith(`/${path}`) && (entry.isFolder || !named.endsWith("/")),
  );
}

/** The folder itself, or one below it. */
function isAbout(named: string, folder: string): boolean {
  return `/${folder}`.endsWith(`/${named}`) || named.startsWith(folder);
}

describe("ARCHITECTURE.md", () => {
  test("names files and folders that are there", () => {
    const named = namedPaths();
    assert.ok(named.length > 50, "the names were found");
    assert.deepEqual(
      named.filter((path) => !isThere(path)),
      [],
    );
  });

  test("names every folder of the source and of the tests", () => {
    const named = namedPaths().filter((path) => path.endsWith("/"));
    const missing = tree
      .filter(
        ({ path, name, isFolder }) =>
          isFolder && /^(?:src|tests)\//.test(path) && !unnamed.has(name),
      )
      .filter(({ path }) => !path.startsWith("tests/") || path.split("/").length === 2)
      .filter(({ path }) => !named.some((each) => isAbout(each, `${path}/`)))
      .map(({ path }) => path);
    assert.deepEqual(missing, []);
  });
});

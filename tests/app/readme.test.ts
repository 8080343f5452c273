// The README's table of settings is the server's own.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { formatMarkdownTable } from "../../src/config.ts";

test("the README lists every setting as the server knows it", async () => {
  const readme = await readFile(new URL("../../README.md", import.meta.url), "utf8");
  const begin = readme.indexOf("<!-- settings:");
  const end = readme.indexOf("<!-- end of settings -->");
  assert.ok(begin >= 0 && end > begin, "the README has no place for the table");
  const block = readme.slice(readme.indexOf("\n", begin), end).trim();
  assert.equal(block, formatMarkdownTable().trim());
});

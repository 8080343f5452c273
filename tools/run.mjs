// Runs a script of this checkout with the project's Node.js, installing what is missing before:
// `node tools/run.mjs tools/test.ts …`.

import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

import { launch } from "../bin/launcher.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [script, ...parameters] = process.argv.slice(2);
if (script === undefined) {
  process.stderr.write("usage: node tools/run.mjs SCRIPT [PARAMETER …]\n");
  process.exit(2);
}
process.chdir(root);
await launch(root, resolve(script), parameters);

#!/usr/bin/env node
// The command `holdfast`: from a checkout it runs the sources, from the published package their
// JavaScript, with a Node.js that is new enough.

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { launch } from "./launcher.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, "src", "main.ts");
const script = existsSync(source) ? source : join(root, "dist", "src", "main.js");
await launch(root, script, process.argv.slice(2));

// What a page of the guide means to those who run it.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { matchesShown, parseGuidePage, readOutcomes, scriptOf } from "./guide-page.ts";

const page = `# Words

\`\`\`yaml holdfast.yaml
buckets: []
\`\`\`

\`\`\`sh serve
holdfast serve --domain a.example \\
  --region eu-west-1
\`\`\`

\`\`\`json
{ "shown": "only" }
\`\`\`

\`\`\`sh
name=x
cat <<END
one $name
END
#=> one x
false
echo "two
lines"
\`\`\`

\`\`\`sh
echo $name; ls missing
#=> x
#=> …missing…
\`\`\`
`;

test("blocks become files, a server's options and steps", () => {
  const { serverParameters, files, steps } = parseGuidePage(page);
  assert.deepEqual(serverParameters, ["--domain", "a.example", "--region", "eu-west-1"]);
  assert.deepEqual(files, [{ name: "holdfast.yaml", text: "buckets: []\n" }]);
  assert.deepEqual(
    steps.map(({ line, shown }) => [line, shown]),
    [
      [17, ["one x"]],
      [22, undefined],
      [28, ["x", "…missing…"]],
    ],
  );
});

test("steps run in one shell, and say what they printed and what failed", () => {
  const { steps } = parseGuidePage(page);
  const script = scriptOf(steps, "=mark=");
  const output = execFileSync("bash", ["-c", script], { encoding: "utf8" });
  const [first, second, third] = readOutcomes(steps, "=mark=", output);
  assert.deepEqual(first, { output: "one x\n", failed: undefined });
  assert.deepEqual(second, { output: "two\nlines\n", failed: "false" });
  assert.ok(third !== undefined && "output" in third);
  assert.ok(matchesShown(["x", "…missing…"], third.output), third.output);
  assert.equal(third.failed, "ls missing");
  const [, cut] = readOutcomes(steps, "=mark=", output.slice(0, output.indexOf("lines")));
  assert.deepEqual(cut, { unfinished: "two\n" });
});

test("what is shown is exact but for …", () => {
  assert.ok(matchesShown(["a (b)", "  c"], "a (b)  \n  c\n\n"));
  assert.ok(!matchesShown(["a"], "a\nb\n"));
  assert.ok(matchesShown(["HTTP/1.1 200 OK", "done"], "HTTP/1.1 200 OK\r\n50 %\rdone  \n"));
  assert.ok(!matchesShown(["a", "b"], "a\n"));
  assert.ok(!matchesShown(["a.c"], "abc\n"));
  assert.ok(matchesShown(["x…z", "…", "end"], "xyz\n1\n2\nend\n"));
  assert.ok(matchesShown(["…", "end"], "end\n"));
  assert.ok(!matchesShown(["x…z"], "x\nz\n"));
});

test("output without a command, and a block without an end, are mistakes", () => {
  assert.throws(() => parseGuidePage("```sh\n#=> a\n```\n"), /line 2/);
  assert.throws(() => parseGuidePage("```sh\nls\n"), /no end/);
  assert.throws(() => parseGuidePage("```sh serve\nls\n```\n"), /holdfast serve/);
});

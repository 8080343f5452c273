// A page of the user guide as something to run: its commands with what they print, the files that it
// shows, and how its server is started. docs/guide/README.md tells the form.

export interface GuidePage {
  /** What the server gets beside what every page's server gets. */
  readonly serverParameters: readonly string[];
  readonly files: readonly { readonly name: string; readonly text: string }[];
  readonly steps: readonly GuideStep[];
}

/** Lines of shell up to the output that is shown for them. */
export interface GuideStep {
  /** Of the step's first line in the page. */
  readonly line: number;
  readonly commands: string;
  /** Absent, or nothing but `…`: the commands must succeed, whatever they print. */
  readonly shown?: readonly string[];
}

interface Block {
  readonly language: string;
  readonly rest: string;
  readonly lines: readonly string[];
  /** Of its first line of content. */
  readonly line: number;
}

const outputMark = "#=>";

/** Throws an Error that names the line where a page does not keep to the form. */
export function parseGuidePage(text: string): GuidePage {
  const serverParameters: string[] = [];
  const files: { name: string; text: string }[] = [];
  const steps: GuideStep[] = [];
  for (const block of findBlocks(text)) {
    if (block.language === "sh" && block.rest === "serve") {
      serverParameters.push(...readServerParameters(block));
    } else if (block.language === "sh" && block.rest === "") {
      steps.push(...readSteps(block));
    } else if (block.rest !== "") {
      files.push({ name: block.rest, text: `${block.lines.join("\n")}\n` });
    }
  }
  return { serverParameters, files, steps };
}

function findBlocks(text: string): readonly Block[] {
  const blocks: Block[] = [];
  let open: { language: string; rest: string; lines: string[]; line: number } | undefined;
  for (const [index, line] of text.split("\n").entries()) {
    const fence = /^```(\S*) ?(.*)$/.exec(line);
    if (fence === null) {
      open?.lines.push(line);
    } else if (open === undefined) {
      const [, language = "", rest = ""] = fence;
      open = { language, rest: rest.trim(), lines: [], line: index + 2 };
    } else {
      blocks.push(open);
      open = undefined;
    }
  }
  if (open !== undefined) throw new Error(`the block at line ${open.line} has no end`);
  return blocks;
}

/** `holdfast serve --option value`, over as many lines as it takes. */
function readServerParameters({ lines, line }: Block): readonly string[] {
  const words = lines.join("\n").replaceAll("\\\n", " ").trim().split(/\s+/);
  if (words[0] !== "holdfast" || words[1] !== "serve") {
    throw new Error(`line ${line}: a block "sh serve" is one command, holdfast serve …`);
  }
  return words.slice(2);
}

function readSteps({ lines, line }: Block): readonly GuideStep[] {
  const steps: GuideStep[] = [];
  let commands: string[] = [];
  let shown: string[] = [];
  let first = line;
  const finish = (next: number): void => {
    if (commands.some((each) => each.trim() !== "")) {
      const step = { line: first, commands: commands.join("\n") };
      steps.push(shown.length === 0 ? step : { ...step, shown });
    }
    commands = [];
    shown = [];
    first = next;
  };
  for (const [index, each] of lines.entries()) {
    if (each.startsWith(outputMark)) {
      if (commands.length === 0) throw new Error(`line ${line + index}: output of no command`);
      shown.push(each.slice(outputMark.length).replace(/^ /, ""));
    } else {
      if (shown.length > 0) finish(line + index);
      commands.push(each);
    }
  }
  finish(line + lines.length);
  return steps;
}

/** Whether the output is what is shown: `…` is anything, a line of nothing else any number of lines. */
export function matchesShown(shown: readonly string[], output: string): boolean {
  const pattern = shown
    .map((line) => {
      const text = line.trimEnd();
      if (text === "…") return "(?:[^\n]*\n)*?";
      const escaped = text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
      return `${escaped.replaceAll("…", "[^\n]*?")}\n`;
    })
    .join("");
  return new RegExp(`^${pattern}$`).test(tidy(output));
}

/**
 * Without the blanks at the ends of lines, and with one line feed at the end. Of a line that was written
 * over (the AWS command line shows progress so) what is seen at last.
 */
function tidy(output: string): string {
  const lines = output.split("\n").map((line) => {
    const text = line.trimEnd();
    return text.slice(text.lastIndexOf("\r") + 1);
  });
  while (lines.at(-1) === "") lines.pop();
  return lines.map((line) => `${line}\n`).join("");
}

/**
 * One script of the whole page, so that variables and functions of a step are there in the next. It
 * prints `mark`, the step's number and `begin`, then what the step prints, then the same with `end` and
 * the first command of the step that failed.
 */
export function scriptOf(steps: readonly GuideStep[], mark: string): string {
  const lines = ["exec 2>&1", "set -E", `trap ': "\${guide_failed:=$BASH_COMMAND}"' ERR`];
  for (const [index, { commands }] of steps.entries()) {
    lines.push(`printf '%s %d begin\\n' ${mark} ${index}`, "guide_failed=", commands);
    lines.push(`printf '\\n%s %d end %s\\n' ${mark} ${index} "\${guide_failed%%$'\\n'*}"`);
  }
  return `${lines.join("\n")}\n`;
}

export interface StepOutcome {
  readonly output: string;
  /** The first command that failed. */
  readonly failed: string | undefined;
}

/** Of a step that the script did not reach the end of: what it printed until then. */
export function readOutcomes(
  steps: readonly GuideStep[],
  mark: string,
  output: string,
): readonly (StepOutcome | { readonly unfinished: string })[] {
  return steps.map((_, index) => {
    const begin = `${mark} ${index} begin\n`;
    const start = output.indexOf(begin);
    if (start === -1) return { unfinished: index === 0 ? output : "" };
    const rest = output.slice(start + begin.length);
    const endMark = `\n${mark} ${index} end `;
    const end = rest.indexOf(endMark);
    if (end === -1) return { unfinished: rest };
    const failed = rest.slice(end + endMark.length, rest.indexOf("\n", end + 1));
    return { output: rest.slice(0, end), failed: failed === "" ? undefined : failed };
  });
}

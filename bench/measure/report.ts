// What a section of the benchmark hands back and how it is printed.

export interface SectionReport {
  readonly title: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
  readonly notes: readonly string[];
}

export type Cell = string | number;

export function formatReport(report: SectionReport): string {
  const lines = [report.columns, ...report.rows.map((row) => row.map(formatCell))];
  const widths = report.columns.map((_, column) =>
    Math.max(...lines.map((line) => (line[column] ?? "").length)),
  );
  const text = lines.map((line) => {
    const cells = line.map((cell, column) => {
      const isName = typeof (report.rows[0]?.[column] ?? "") === "string";
      const width = widths[column] as number;
      return isName ? cell.padEnd(width) : cell.padStart(width);
    });
    return `| ${cells.join(" | ")} |`;
  });
  const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
  text.splice(1, 0, rule);
  const notes = report.notes.map((note) => `- ${note}`);
  return [`## ${report.title}`, "", ...text, "", ...notes, ""].join("\n");
}

/** Shows a missed or met target beside the figure. */
export function verdict(ratio: number, target: number): string {
  return `${ratio >= target ? "meets" : "MISSES"} ${Math.round(target * 100)} %`;
}

function formatCell(cell: Cell): string {
  if (typeof cell === "string") return cell;
  if (!Number.isFinite(cell)) return "–";
  if (Number.isInteger(cell)) return String(cell);
  const size = Math.abs(cell);
  if (size >= 1000) return String(Math.round(cell));
  return size >= 100 ? cell.toFixed(1) : size >= 10 ? cell.toFixed(2) : cell.toFixed(3);
}

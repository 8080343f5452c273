// The patterns of LIKE: `_` is any character, `%` any sequence of them. Matches in one walk, without
// going back further than the last `%`.

import { S3Error } from "../model/errors.ts";

type Matcher = (text: string) => boolean;

const anyCharacter = -1;

/** Our bound on comparisons for one text: long ones that are nearly alike everywhere reach it. */
const maximumSteps = 16 * 1024 * 1024;

/** Throws S3Error EvaluatorLikePatternInvalidEscapeSequence, LikeInvalidInputs. */
export function compileLike(pattern: string, escape: string | undefined): Matcher {
  const segments = segmentsOf(pattern, escape);
  const texts = segments.map(plainText);
  const [only] = texts;
  if (texts.every((text) => text !== undefined)) {
    return texts.length === 1 ? (text) => text === only : matcherOfTexts(texts);
  }
  return (text) => matchSegments(segments, codePointsOf(text));
}

/** The code points between the `%` signs. */
function segmentsOf(pattern: string, escape: string | undefined): readonly (readonly number[])[] {
  const escapePoints = escape === undefined ? [] : codePointsOf(escape);
  if (escape !== undefined && escapePoints.length !== 1) throw new S3Error("LikeInvalidInputs");
  const [escapePoint] = escapePoints;
  const segments: number[][] = [[]];
  const points = codePointsOf(pattern);
  for (let index = 0; index < points.length; index += 1) {
    const point = points[index] as number;
    const segment = segments.at(-1) as number[];
    if (point === escapePoint) {
      index += 1;
      const escaped = points[index];
      if (escaped !== percent && escaped !== underscore && escaped !== escapePoint) {
        throw new S3Error("EvaluatorLikePatternInvalidEscapeSequence");
      }
      segment.push(escaped);
    } else if (point === percent) segments.push([]);
    else segment.push(point === underscore ? anyCharacter : point);
  }
  return segments;
}

const percent = 0x25;
const underscore = 0x5f;

function codePointsOf(text: string): readonly number[] {
  const points: number[] = [];
  for (const character of text) points.push(character.codePointAt(0) as number);
  return points;
}

function plainText(segment: readonly number[]): string | undefined {
  if (segment.includes(anyCharacter)) return undefined;
  return segment.map((point) => String.fromCodePoint(point)).join("");
}

function matcherOfTexts(texts: readonly string[]): Matcher {
  const first = texts[0] as string;
  const last = texts.at(-1) as string;
  const middle = texts.slice(1, -1).filter((text) => text !== "");
  return (text) => {
    if (text.length < first.length + last.length) return false;
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    const end = text.length - last.length;
    let position = first.length;
    for (const part of middle) {
      const found = text.indexOf(part, position);
      if (found < 0 || found + part.length > end) return false;
      position = found + part.length;
    }
    return true;
  };
}

function matchSegments(
  segments: readonly (readonly number[])[],
  points: readonly number[],
): boolean {
  const first = segments[0] as readonly number[];
  if (!matchesAt(first, points, 0)) return false;
  if (segments.length === 1) return points.length === first.length;
  const last = segments.at(-1) as readonly number[];
  const end = points.length - last.length;
  let position = first.length;
  let steps = 0;
  for (const segment of segments.slice(1, -1)) {
    for (; position <= end; position += 1) {
      const count = alikeCount(segment, points, position);
      if (count === segment.length) break;
      steps += count + 1;
      if (steps > maximumSteps) throw new S3Error("LikeInvalidInputs");
    }
    position += segment.length;
  }
  return position <= end && matchesAt(last, points, end);
}

function matchesAt(segment: readonly number[], points: readonly number[], start: number): boolean {
  if (start + segment.length > points.length) return false;
  return alikeCount(segment, points, start) === segment.length;
}

function alikeCount(segment: readonly number[], points: readonly number[], start: number): number {
  let count = 0;
  while (count < segment.length) {
    const point = segment[count];
    if (point !== anyCharacter && point !== points[start + count]) break;
    count += 1;
  }
  return count;
}

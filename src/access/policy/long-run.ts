// Looks for a long text with wild characters in it. Comparing at one place after the other takes the
// product of both lengths; this keeps a bit for each beginning of the text that fits so far and handles
// 32 of them at once (the "shift-and" method), whatever the texts are.

export interface LongRun {
  readonly text: string;
  readonly wild: readonly boolean[] | undefined;
  readonly start: number;
  readonly end: number;
}

const wordBits = 32;

/** The first place in `text` from `start` at which the run ends not after `end`; -1 if there is none. */
export function findLongRun(text: string, run: LongRun): number {
  const { start, end } = run;
  const length = run.text.length;
  const { masks, wildMask } = makeMasks(text, run);
  const fitting = new Uint32Array(wildMask.length);
  const lastWord = fitting.length - 1;
  const lastBit = 1 << ((length - 1) % wordBits);
  for (let position = start; position < end; position += 1) {
    const mask = masks.get(text.charCodeAt(position)) ?? wildMask;
    // A new beginning at every place.
    let carry = 1;
    for (let word = 0; word <= lastWord; word += 1) {
      const bits = fitting[word] as number;
      fitting[word] = ((bits << 1) | carry) & (mask[word] as number);
      carry = bits >>> (wordBits - 1);
    }
    if (((fitting[lastWord] as number) & lastBit) !== 0) return position - length + 1;
  }
  return -1;
}

/** For each character of `text` the places of the run that take it; `wildMask` for all others. */
function makeMasks(
  text: string,
  run: LongRun,
): { readonly masks: ReadonlyMap<number, Uint32Array>; readonly wildMask: Uint32Array } {
  const wildMask = new Uint32Array(Math.ceil(run.text.length / wordBits));
  for (let index = 0; index < run.text.length; index += 1) {
    if (run.wild?.[index] === true) setBit(wildMask, index);
  }
  const found = new Set<number>();
  for (let position = run.start; position < run.end; position += 1) {
    found.add(text.charCodeAt(position));
  }
  const masks = new Map<number, Uint32Array>();
  for (let index = 0; index < run.text.length; index += 1) {
    const code = run.text.charCodeAt(index);
    if (run.wild?.[index] === true || !found.has(code)) continue;
    let mask = masks.get(code);
    if (mask === undefined) masks.set(code, (mask = wildMask.slice()));
    setBit(mask, index);
  }
  return { masks, wildMask };
}

function setBit(words: Uint32Array, index: number): void {
  const word = Math.floor(index / wordBits);
  words[word] = (words[word] as number) | (1 << (index % wordBits));
}

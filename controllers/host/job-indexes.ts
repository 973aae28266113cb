/** Sets of a Job's indexes, as its status and its policies write them: `1,3-5`. */
import { limits } from "../../apiserver/limits.ts";

/**
 * In ascending order, those below `end`, as many as are kept track of; of what is no such text nothing. A status says what
 * somebody wrote to it: ranges that don't ascend would be walked again and again.
 */
export function indexesOf(text: string, end: number): ReadonlySet<number> {
  const indexes = new Set<number>();
  const most = limits.maxJobIndexes.value;
  let previous = -1;
  for (const part of text === "" ? [] : text.split(",")) {
    const [first = "", last = first] = part.split("-");
    if (!/^\d{1,10}$/.test(first) || !/^\d{1,10}$/.test(last)) return new Set();
    if (Number(first) <= previous) return new Set();
    previous = Number(last);
    for (let index = Number(first); index <= Number(last) && index < end; index++) {
      if (indexes.size >= most) return indexes;
      indexes.add(index);
    }
  }
  return indexes;
}

export function rangesOf(indexes: Iterable<number>): string {
  const ranges: { first: number; last: number }[] = [];
  for (const index of [...indexes].sort((a, b) => a - b)) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last === index - 1) range.last = index;
    else ranges.push({ first: index, last: index });
  }
  return ranges
    .map(({ first, last }) => (first === last ? String(first) : `${first}${last === first + 1 ? "," : "-"}${last}`))
    .join(",");
}

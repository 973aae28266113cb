/**
 * @param page of metrics, as Prometheus reads it
 * @param name the first characters of the line
 * @param labels parts that the line has in any order, `verb="LIST"`
 * @returns value of the first sample with this name and these labels; NaN when there is none
 */
export function sampleOf(page: string, name: string, ...labels: readonly string[]): number {
  const line = page.split("\n").find((each) => each.startsWith(name) && labels.every((label) => each.includes(label)));
  return Number(line?.replace(/^.* /, "") ?? Number.NaN);
}

/**
 * Prints the CPU of a write, in µs, alone and beside 5,000 watchers of other namespaces, names and labels. A program of its own:
 * what a test runner does for each promise would cost more than they do.
 */
import { parseFieldSelector, parseLabelSelector } from "../../apiserver/machinery/selectors.ts";
import { functionsEndpoint } from "../support/many-functions.ts";
import { MemoryBackend } from "../support/memory-backend.ts";
import { aContext, isFullStorage, patchOf, watchOptions, writeOf } from "../support/widgets.ts";
import { benchFunction } from "./objects.ts";

const watchers = 5000;
const rounds = 20;
const writesPerRound = 40;

async function aFunction() {
  const { storage } = functionsEndpoint(new MemoryBackend(), new AbortController().signal);
  if (!isFullStorage(storage)) throw new Error("Functions serve every verb");
  await storage.create(aContext(), writeOf("", JSON.parse(benchFunction("a", 1))));
  let step = 0;
  const write = () => storage.patch(aContext(), patchOf("a", { metadata: { annotations: { step: String(step++) } } }));
  return { storage, write };
}

async function cpuOf(write: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  for (let i = 0; i < writesPerRound; i++) await write();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / writesPerRound;
}

const [alone, beside] = [await aFunction(), await aFunction()];
for (let i = 0; i < watchers; i++) {
  const namespace = ["", "demo", `other-${i}`][i % 3] ?? "";
  const labels = parseLabelSelector(namespace === "" ? `app=of-${i}` : "");
  const fields = parseFieldSelector(namespace === "demo" ? `metadata.name=of-${i}` : "");
  const events = await beside.storage.watch(aContext({ namespace }), watchOptions({ labels, fields }));
  void events[Symbol.asyncIterator]().next();
}
const lowest = { alone: Number.POSITIVE_INFINITY, beside: Number.POSITIVE_INFINITY };
for (let round = 0; round < rounds; round++) {
  lowest.alone = Math.min(lowest.alone, await cpuOf(alone.write));
  lowest.beside = Math.min(lowest.beside, await cpuOf(beside.write));
}
console.log(JSON.stringify(lowest));
process.exit(0);

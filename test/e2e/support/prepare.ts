/** Builds and installs what the end-to-end suites run, before their clocks run. */
import { clientSessions } from "../clients/sessions.ts";
import { ensurePulsarImage, whyNoPulsar } from "../pulsar/image.ts";
import { nodeIsMissing } from "./node.ts";
import { ensureTool, tools } from "./tools.ts";

async function timed(name: string, ensure: () => Promise<string>): Promise<void> {
  const started = Date.now();
  const made = await ensure();
  console.log(`${name}: ${made} (${Math.round((Date.now() - started) / 1000)} s)`);
}

for (const tool of tools) await timed(tool, () => ensureTool(tool));
for (const { name, skip, command } of clientSessions)
  await timed(name, async () => (await skip?.()) || (await command()).slice(0, 1).join(" "));
await timed("pulsar", async () => (await nodeIsMissing()) || (await whyNoPulsar()) || (await ensurePulsarImage()));

import type { Registry } from "@prometheus-io/client";

/** The exposition text and its content type; the library puts empty lines between metrics, Go's library does not. */
export async function exposition(registry: Registry): Promise<{ readonly contentType: string; readonly text: string }> {
  const text = await registry.metrics();
  return { contentType: registry.contentType, text: text.replaceAll(/\n{2,}/g, "\n") };
}

import type { JsonValue, KubeObject } from "../apis/meta/v1.ts";
import type { ObjectRef, ResourceClient } from "../client/client.ts";
import { configMapType } from "../client/resource-types.ts";
import { isAlreadyExists, isConflict, isNotFound } from "../errors/status-error.ts";
import { textOf } from "../machinery/fields.ts";
import { isObject } from "../machinery/json.ts";
import { parseRemembered, stringifyRemembered } from "../storage/guard/file-memory.ts";
import { isNewer, nameOfStore, type Remembered, type StoreMemory } from "../storage/guard/store-memory.ts";

/** Names a store (`nameOfStore`) that the installation may go on with. */
const acceptAnnotation = "functionmesh.io/accept-store";
/** Key of the ConfigMap's data. */
const dataKey = "store";

/** Remembers in a ConfigMap of the host cluster; who accepts another store annotates it. */
export function configMapMemory(client: ResourceClient, at: { namespace: string; name: string }): StoreMemory {
  const ref: ObjectRef = { type: configMapType, ...at };
  const live = (signal: AbortSignal): Promise<KubeObject | undefined> =>
    client.get(ref, { signal }).catch((error: unknown) => {
      if (isNotFound(error)) return undefined;
      throw error;
    });
  const attempt = async (next: Remembered, signal: AbortSignal): Promise<void> => {
    const existing = await live(signal);
    const object = {
      apiVersion: "v1",
      kind: "ConfigMap",
      data: { [dataKey]: stringifyRemembered(next) },
    };
    if (existing === undefined) {
      await client.create(configMapType, { ...object, metadata: at }, { signal });
      return;
    }
    const remembered = rememberedIn(existing);
    if (remembered !== undefined && !isNewer(next, remembered)) return;
    const { [acceptAnnotation]: _done, ...annotations } = existing.metadata.annotations ?? {};
    await client.update(configMapType, { ...object, metadata: { ...existing.metadata, annotations } }, { signal });
  };
  return {
    read: async (signal) => {
      const existing = await live(signal);
      if (existing === undefined) return {};
      const remembered = rememberedIn(existing);
      const accepted = existing.metadata.annotations?.[acceptAnnotation];
      return {
        ...(remembered === undefined ? {} : { remembered }),
        ...(accepted === undefined ? {} : { accepted }),
      };
    },
    write: async (next, signal) => {
      try {
        await attempt(next, signal);
      } catch (error) {
        // Another server of this installation was faster: what it wrote may be as new.
        if (!isConflict(error) && !isAlreadyExists(error)) throw error;
        await attempt(next, signal);
      }
    },
    howToAccept: (found) =>
      `kubectl annotate configmap ${at.name} -n ${at.namespace} ${acceptAnnotation}=${nameOfStore(found)}`,
  };
}

/** @throws Error when the ConfigMap says something else */
function rememberedIn({ metadata, data }: KubeObject): Remembered | undefined {
  const stored: JsonValue | undefined = data;
  const text = isObject(stored) ? textOf(stored, dataKey) : "";
  if (text === "") return undefined;
  const remembered = parseRemembered(text);
  if (remembered === undefined) {
    throw new Error(`ConfigMap ${metadata.namespace}/${metadata.name} does not say where the store stood`);
  }
  return remembered;
}

/**
 * What needs a process to answer: `logs`, `exec`, `attach`, `port-forward`, and `cp`, which is an exec. Pods that are served
 * here have none, so each is refused with a sentence, over HTTP as well as by the two ways to switch protocols, which
 * clients take for a refusal to switch. Who may ask is decided as in a cluster (`get pods/log`, `create pods/exec`).
 */
import { newBadRequest } from "../../errors/status-error.ts";
import type { RequestContext, RestStorage } from "../rest/interface.ts";
import type { SubresourceDefinition, SubresourceParts } from "../rest/strategy.ts";

type Request = { readonly name: string; readonly kind: string; readonly lacks: string; readonly posts: boolean };

const requests: readonly Request[] = [
  { name: "log", kind: "Pod", lacks: "it has no logs", posts: false },
  { name: "exec", kind: "PodExecOptions", lacks: "no command can be run in it", posts: true },
  { name: "attach", kind: "PodAttachOptions", lacks: "there is nothing to attach to", posts: true },
  { name: "portforward", kind: "PodPortForwardOptions", lacks: "none of its ports answers", posts: true },
];

export const simulatedPodSubresources: readonly SubresourceDefinition[] = requests.map((request) => ({
  name: request.name,
  body: { kind: { group: "", version: "v1", kind: request.kind }, schemaName: "io.k8s.api.core.v1.Pod" },
  storage: (parts) => refusals(request, parts),
}));

function refusals({ lacks, posts }: Request, { store }: SubresourceParts): RestStorage {
  const refuse = async (context: RequestContext, name: string): Promise<never> => {
    await store.get(context, name, { resourceVersion: "" });
    throw newBadRequest(`pod ${name} is simulated on this laptop: nothing runs in it, so ${lacks}`);
  };
  const get: RestStorage = { get: refuse };
  return posts ? { ...get, create: (context, { name }) => refuse(context, name) } : get;
}

/** CustomResourceDefinitions of our group on the host: what another operator left, or still serves. */

import { group } from "../apis/compute/v1alpha1/group.ts";
import type { ResourceClient } from "../client/client.ts";
import { customResourceDefinitionType } from "../client/resource-types.ts";
import { objectOf, textOf } from "../machinery/fields.ts";

const pageSize = 100;

/** Names of the CRDs whose group is ours. @throws StatusError when the host refuses */
export async function conflictingDefinitions(client: ResourceClient, signal?: AbortSignal): Promise<readonly string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    const query = { limit: pageSize, ...(token === undefined ? {} : { continue: token }) };
    const page = await client.list(customResourceDefinitionType, query, signal);
    for (const definition of page.items) {
      if (textOf(objectOf(definition, "spec"), "group") === group) names.push(definition.metadata.name ?? "");
    }
    token = page.metadata.continue;
  } while (token !== undefined && token !== "");
  return names;
}

/** Who wins and what to do, for the log. */
export const definitionsWarning = (names: readonly string[]): string =>
  `the cluster has CustomResourceDefinitions of ${group}: ${names.join(", ")}. While APIService v1alpha1.${group} points ` +
  "to this server, requests for the group come here, and objects behind the definitions are kept but not seen. " +
  "Do not delete the definitions before those objects are moved: that deletes the objects";

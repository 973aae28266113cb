/** The published documents of what is served, made from the same rows as the routes (design D4). */
import {
  buildOpenApiV2,
  buildOpenApiV3,
  type DocumentInfo,
  type OpenApiResource,
  resourcesByDocument,
  type Verb,
} from "../../openapi/build.ts";
import type { SchemaSet } from "../../openapi/schema.ts";
import type { ResourceEndpoint, RestStorage } from "../registry/rest/interface.ts";
import { verbsOf } from "./discovery.ts";
import type { OpenApiSource } from "./openapi.ts";

export function openApiSource(
  resources: readonly ResourceEndpoint[],
  schemas: SchemaSet,
  info: DocumentInfo,
): OpenApiSource {
  const published = resources.map(publishedResource);
  return {
    v2: () => buildOpenApiV2(schemas, published, info),
    v2Protobuf: async () => {
      const { encodeOpenApiV2 } = await import("../../openapi/protobuf.ts");
      return encodeOpenApiV2(buildOpenApiV2(schemas, published, info));
    },
    v3: new Map(
      [...resourcesByDocument(published)].map(([key, ofDocument]) => [
        key,
        () => buildOpenApiV3(schemas, ofDocument, info),
      ]),
    ),
  };
}

function publishedResource(endpoint: ResourceEndpoint): OpenApiResource {
  const { group, version, kind, resource, namespaced, schemaName, acceptsProtobuf } = endpoint;
  return {
    group,
    version,
    kind,
    resource,
    namespaced,
    schemaName,
    acceptsProtobuf,
    patchTypes: endpoint.storage.patchTypes ?? [],
    verbs: publishedVerbs(endpoint.storage),
    subresources: endpoint.subresources.map((sub) => ({
      name: sub.name,
      kind: sub.kind,
      schemaName: sub.schemaName,
      verbs: publishedVerbs(sub.storage),
    })),
  };
}

const publishedVerbs = (storage: RestStorage): readonly Verb[] => verbsOf(storage);

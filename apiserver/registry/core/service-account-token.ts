import type { SchemaSet } from "../../../openapi/schema.ts";
import type { JsonObject, KubeObject } from "../../apis/meta/v1.ts";
import type { BoundObject, ServiceAccountTokens, UidLookup } from "../../authentication/service-account-token.ts";
import { stringOf, stringsOf } from "../../authentication/user-json.ts";
import { type FieldError, invalid } from "../../errors/field-error.ts";
import { newBadRequest, newConflict, newInvalid, newNotFound } from "../../errors/status-error.ts";
import { numericOf } from "../../machinery/fields.ts";
import { isObject } from "../../machinery/json.ts";
import { VirtualDecoder } from "../generic/object-decoder.ts";
import type { Creater, RequestContext } from "../rest/interface.ts";
import type { SubresourceDefinition } from "../rest/strategy.ts";
import { compileSchema } from "../schema/structural.ts";
import { encode } from "./reviews.ts";

export type TokenDependencies = {
  readonly tokens: ServiceAccountTokens;
  readonly uidOf: UidLookup;
};

const kind = { group: "authentication.k8s.io", version: "v1", kind: "TokenRequest" } as const;
const schemaName = "io.k8s.api.authentication.v1.TokenRequest";
/** Lifetimes in seconds: as kube-apiserver defaults and bounds them. */
const defaultLifetime = 3600;
const minLifetime = 600;
const maxLifetime = 2 ** 32;

/** Objects besides the account that a token may be bound to, by kind. */
const bindable: ReadonlyMap<string, { readonly kind: BoundObject["kind"]; readonly resource: string }> = new Map([
  ["Pod", { kind: "Pod", resource: "pods" }],
  ["Secret", { kind: "Secret", resource: "secrets" }],
]);

/** `POST serviceaccounts/NAME/token`: a token for the account, good for a while. */
export function serviceAccountToken(dependencies: TokenDependencies): SubresourceDefinition {
  return {
    name: "token",
    body: { kind, schemaName },
    storage: ({ schemas }) => tokenCreater(dependencies, schemas),
  };
}

function tokenCreater({ tokens, uidOf }: TokenDependencies, schemas: SchemaSet): Creater {
  const decoder = new VirtualDecoder(kind, compileSchema(schemas, schemaName));
  return {
    create: async (context, write) => {
      const { namespace, signal } = context;
      const { name } = write;
      const { spec } = await decoder.read(context, write);
      const uid = await uidOf({ kind: "ServiceAccount", namespace, name }, signal);
      if (uid === undefined) throw newNotFound({ group: "", resource: "serviceaccounts" }, name);
      const request = parseRequest(isObject(spec) ? spec : {});
      const bound = await findBound(request.boundObjectRef, context, uidOf);
      const audiences = request.audiences.length > 0 ? request.audiences : tokens.audiences;
      const { token, expiresAt } = await tokens.issue({
        account: { namespace, name, uid },
        audiences,
        lifetimeSeconds: request.lifetimeSeconds,
        ...(bound === undefined ? {} : { boundObject: bound }),
      });
      const issued = { context, name, uid, audiences, request, token, expiresAt };
      return { item: encode(answer(issued)), created: true };
    },
  };
}

type ParsedRequest = {
  readonly audiences: readonly string[];
  readonly lifetimeSeconds: number;
  readonly boundObjectRef: JsonObject | undefined;
};

/** @throws StatusError 422 with every wrong field */
function parseRequest(spec: JsonObject): ParsedRequest {
  const { expirationSeconds, boundObjectRef } = spec;
  const lifetimeSeconds = numericOf(spec, "expirationSeconds") ?? defaultLifetime;
  const errors: FieldError[] = [];
  const field = "spec.expirationSeconds";
  if (lifetimeSeconds < minLifetime)
    errors.push(invalid(field, expirationSeconds, "may not specify a duration less than 10 minutes"));
  else if (lifetimeSeconds > maxLifetime)
    errors.push(invalid(field, expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
  if (errors.length > 0) throw newInvalid(kind, "", errors);
  return {
    audiences: stringsOf(spec.audiences),
    lifetimeSeconds,
    boundObjectRef: isObject(boundObjectRef) ? boundObjectRef : undefined,
  };
}

async function findBound(
  reference: JsonObject | undefined,
  { namespace, signal }: RequestContext,
  uidOf: UidLookup,
): Promise<BoundObject | undefined> {
  if (reference === undefined) return undefined;
  const known = bindable.get(stringOf(reference.kind));
  if (known === undefined) {
    const type = `${stringOf(reference.apiVersion)}, Kind=${stringOf(reference.kind)}`;
    throw newBadRequest(`cannot bind token to object of type ${type}`);
  }
  const name = stringOf(reference.name);
  if (name === "") throw newBadRequest("spec.boundObjectRef.name must be given");
  const resource = { group: "", resource: known.resource };
  const uid = await uidOf({ kind: known.kind, namespace, name }, signal);
  if (uid === undefined) throw newNotFound(resource, name);
  const wanted = stringOf(reference.uid);
  if (wanted !== "" && wanted !== uid)
    throw newConflict(
      resource,
      name,
      `the UID in the bound object reference (${wanted}) does not match the UID in record (${uid})`,
    );
  return { kind: known.kind, name, uid };
}

function answer(issued: {
  context: RequestContext;
  name: string;
  uid: string;
  audiences: readonly string[];
  request: ParsedRequest;
  token: string;
  expiresAt: Date;
}): KubeObject {
  const { context, name, uid, audiences, request, token, expiresAt } = issued;
  return {
    apiVersion: "authentication.k8s.io/v1",
    kind: kind.kind,
    metadata: { name, namespace: context.namespace, uid },
    spec: {
      audiences: [...audiences],
      expirationSeconds: request.lifetimeSeconds,
      boundObjectRef: request.boundObjectRef ?? null,
    },
    status: { token, expirationTimestamp: expiresAt.toISOString().replace(/\.\d{3}Z$/, "Z") },
  };
}

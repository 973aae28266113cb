/**
 * Questions about identity and access, asked by creating an object that is answered and never stored:
 * `authorization.k8s.io/v1` and `authentication.k8s.io/v1` of the standalone host.
 */
import type { SchemaSet } from "../../../openapi/schema.ts";
import type { JsonObject, JsonValue, KubeObject } from "../../apis/meta/v1.ts";
import type { TokenVerifier } from "../../authentication/bearer-token.ts";
import { authenticated, type UserInfo } from "../../authentication/user.ts";
import { extraFromJson, newUser, stringOf, stringsOf, userToJson } from "../../authentication/user-json.ts";
import type { Attributes, Authorizer } from "../../authorization/authorizer.ts";
import type { RuleResolver } from "../../authorization/rbac.ts";
import { ruleToJson } from "../../authorization/rules.ts";
import { type FieldError, invalid } from "../../errors/field-error.ts";
import { newBadRequest, newInvalid } from "../../errors/status-error.ts";
import { isObject, stringifyJson } from "../../machinery/json.ts";
import { VirtualDecoder } from "../generic/object-decoder.ts";
import type { Creater, EncodedObject, RequestContext, ResourceEndpoint } from "../rest/interface.ts";
import { compileSchema } from "../schema/structural.ts";

export type ReviewDependencies = {
  /** The one that decides about requests, so that answers and requests agree. */
  readonly authorizer: Authorizer;
  readonly rules: RuleResolver;
  readonly tokens: TokenVerifier;
  readonly schemas: SchemaSet;
};

/** Answers one review: its `spec` in, its `status` out. */
type Answer = (review: KubeObject, context: RequestContext) => Promise<JsonObject>;

type ReviewRow = { readonly kind: string; readonly namespaced?: boolean; readonly answer: Answer };

export function reviewEndpoints(dependencies: ReviewDependencies): ResourceEndpoint[] {
  const { authorizer, rules, tokens, schemas } = dependencies;
  const access = (subject: SubjectOf, checks: Checks): Answer => accessAnswer(authorizer, subject, checks);
  const groups: { readonly [group: string]: readonly ReviewRow[] } = {
    authorization: [
      { kind: "SubjectAccessReview", answer: access(specSubject, subjectErrors) },
      { kind: "SelfSubjectAccessReview", answer: access(callingSubject, noErrors) },
      { kind: "LocalSubjectAccessReview", namespaced: true, answer: access(specSubject, localErrors) },
      { kind: "SelfSubjectRulesReview", answer: rulesAnswer(rules) },
    ],
    authentication: [
      { kind: "SelfSubjectReview", answer: async (_, { user }) => ({ userInfo: userToJson(user) }) },
      { kind: "TokenReview", answer: tokenAnswer(tokens) },
    ],
  };
  return Object.entries(groups).flatMap(([group, rows]) => rows.map((row) => endpointOf(group, row, schemas)));
}

function endpointOf(
  group: string,
  { kind, namespaced = false, answer }: ReviewRow,
  schemas: SchemaSet,
): ResourceEndpoint {
  const singular = kind.toLowerCase();
  const schemaName = `io.k8s.api.${group}.v1.${kind}`;
  const gvk = { group: `${group}.k8s.io`, version: "v1", kind };
  return {
    group: `${group}.k8s.io`,
    version: "v1",
    stored: { group: gvk.group, version: gvk.version },
    resource: `${singular}s`,
    singular,
    kind,
    listKind: `${kind}List`,
    namespaced,
    shortNames: [],
    categories: [],
    schemaName,
    columns: [],
    selectableFields: [],
    storage: creater(new VirtualDecoder(gvk, compileSchema(schemas, schemaName)), answer),
    subresources: [],
    acceptsProtobuf: true,
  };
}

function creater(decoder: VirtualDecoder, answer: Answer): Creater {
  return {
    create: async (context, request) => {
      const { spec = {}, apiVersion, kind } = await decoder.read(context, request);
      const metadata = context.namespace === "" ? {} : { namespace: context.namespace };
      const review: KubeObject = { apiVersion, kind, metadata, spec };
      return { item: encode({ ...review, status: await answer(review, context) }), created: true };
    },
  };
}

export function encode(object: KubeObject): EncodedObject {
  return { object, json: Buffer.from(stringifyJson(object)) };
}

const specOf = (review: KubeObject): JsonObject => {
  const spec: JsonValue | undefined = review.spec;
  return isObject(spec) ? spec : {};
};

/** Whose access a review is about. */
type SubjectOf = (spec: JsonObject, context: RequestContext) => UserInfo;
/** What is wrong with a review's spec besides its attributes. */
type Checks = (spec: JsonObject, context: RequestContext) => readonly FieldError[];

const noErrors: Checks = () => [];
const callingSubject: SubjectOf = (_, { user }) => user;
const specSubject: SubjectOf = (spec) =>
  newUser({
    name: stringOf(spec.user),
    groups: stringsOf(spec.groups),
    uid: stringOf(spec.uid),
    extra: extraFromJson(spec.extra),
  });

const subjectErrors: Checks = (spec) =>
  stringOf(spec.user) === "" && stringsOf(spec.groups).length === 0
    ? [invalid("spec.user", stringOf(spec.user), "at least one of user or group must be specified")]
    : [];

const localErrors: Checks = (spec, context) => {
  const { resourceAttributes } = spec;
  const namespace = isObject(resourceAttributes) ? stringOf(resourceAttributes.namespace) : "";
  const errors = [...subjectErrors(spec, context)];
  if (isObject(spec.nonResourceAttributes))
    errors.push(
      invalid("spec.nonResourceAttributes", spec.nonResourceAttributes, "disallowed on this kind of request"),
    );
  if (namespace !== context.namespace)
    errors.push(invalid("spec.resourceAttributes.namespace", namespace, "must match metadata.namespace"));
  return errors;
};

function accessAnswer(authorizer: Authorizer, subjectOf: SubjectOf, checks: Checks): Answer {
  return async (review, context) => {
    const spec = specOf(review);
    const errors = [...attributeErrors(spec), ...checks(spec, context)];
    if (errors.length > 0) throw newInvalid({ group: "authorization.k8s.io", kind: review.kind }, "", errors);
    const attributes = attributesOf(spec, subjectOf(spec, context));
    try {
      const { decision, reason } = await authorizer.authorize(attributes, context.signal);
      return {
        allowed: decision === "allow",
        ...(decision === "deny" ? { denied: true } : {}),
        ...(reason === "" ? {} : { reason }),
      };
    } catch (error) {
      return { allowed: false, evaluationError: error instanceof Error ? error.message : String(error) };
    }
  };
}

function attributeErrors({ resourceAttributes, nonResourceAttributes }: JsonObject): readonly FieldError[] {
  if (isObject(resourceAttributes) !== isObject(nonResourceAttributes)) return [];
  const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
  return [invalid("spec", nonResourceAttributes, detail)];
}

function attributesOf(spec: JsonObject, user: UserInfo): Attributes {
  const { resourceAttributes: resource, nonResourceAttributes: nonResource } = spec;
  if (!isObject(resource)) {
    const { path, verb } = isObject(nonResource) ? nonResource : {};
    return { user, resourceRequest: false, verb: stringOf(verb), path: stringOf(path) };
  }
  return {
    user,
    resourceRequest: true,
    verb: stringOf(resource.verb),
    group: stringOf(resource.group),
    version: stringOf(resource.version),
    resource: stringOf(resource.resource),
    subresource: stringOf(resource.subresource),
    namespace: stringOf(resource.namespace),
    name: stringOf(resource.name),
    // RBAC grants by name at most, so selectors cannot change what it answers.
    labelSelector: "",
    fieldSelector: "",
  };
}

function rulesAnswer(resolver: RuleResolver): Answer {
  return async (review, { user }) => {
    const namespace = stringOf(specOf(review).namespace);
    if (namespace === "") throw newBadRequest("no namespace on request");
    const { rules, errors } = resolver.rulesFor(user, namespace);
    return {
      resourceRules: rules.filter((rule) => rule.resources.length > 0).map(ruleToJson),
      nonResourceRules: rules.filter((rule) => rule.nonResourceURLs.length > 0).map(ruleToJson),
      incomplete: errors.length > 0,
      ...(errors.length === 0 ? {} : { evaluationError: errors.join(", ") }),
    };
  };
}

function tokenAnswer(tokens: TokenVerifier): Answer {
  return async (review, { signal }) => {
    const spec = specOf(review);
    const token = stringOf(spec.token);
    if (token === "") throw newBadRequest("token is required for TokenReview in authentication");
    try {
      const identity = await tokens.verify(token, stringsOf(spec.audiences), signal);
      if (identity === undefined) return { user: {}, error: "invalid bearer token" };
      const { user, audiences } = identity;
      return {
        authenticated: true,
        user: userToJson(authenticated(user)),
        ...(audiences.length === 0 ? {} : { audiences: [...audiences] }),
      };
    } catch (error) {
      return { user: {}, error: error instanceof Error ? error.message : String(error) };
    }
  };
}

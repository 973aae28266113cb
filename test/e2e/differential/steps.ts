/** Random writes to one object: what each says is the same for both servers. */
import fc from "fast-check";
import type { JsonObject, JsonValue } from "../../../apiserver/apis/meta/v1.ts";

/** What the body says of the stored object's identity: what it is, what it was long ago, or somebody else's. */
export type Precondition = "none" | "current" | "stale" | "otherUid";
export type Subresource = "" | "status" | "scale";

/** How a body is written; as JSON with its first member twice, for one. */
export type Form = "json" | "yaml" | "repeated";
export type Propagation = "" | "Background" | "Foreground" | "Orphan";

type Options = {
  readonly manager: string;
  readonly dryRun: boolean;
  readonly precondition: Precondition;
  readonly fieldValidation: "" | "Strict" | "Warn" | "Ignore";
};
type Fields = { readonly subresource: Subresource; readonly fields: JsonObject };
type Act =
  | ({ readonly verb: "apply"; readonly force: boolean } & Fields)
  | ({ readonly verb: "put" | "merge" | "strategic" } & Fields)
  | { readonly verb: "create"; readonly fields: JsonObject }
  | { readonly verb: "json"; readonly operations: readonly JsonObject[] }
  | { readonly verb: "reset" }
  | { readonly verb: "delete"; readonly propagation: Propagation };
export type Step = Options & Act & { readonly form: Form };
export type Verb = Step["verb"];

/** One kind that both servers serve. */
export type Subject = {
  readonly apiVersion: string;
  readonly kind: string;
  /** Plural, as in URLs. */
  readonly resource: string;
  /** Whole and valid: what the founder always says. */
  readonly base: JsonObject;
  /** Parts of the object that steps are about. */
  readonly parts: fc.Arbitrary<JsonObject>;
  /** The same, of what `/status` takes. */
  readonly statusParts?: fc.Arbitrary<JsonObject>;
  /** Whether steps go to `/scale`. */
  readonly scalable: boolean;
  /** Members that JSON patches add, replace and remove. */
  readonly pointers: readonly { readonly pointer: string; readonly value: JsonValue }[];
  /** What one of the two servers doesn't serve for this kind is left out. */
  readonly verbs: readonly Verb[];
};

const weights: Record<Verb, number> = {
  apply: 12,
  put: 4,
  merge: 4,
  strategic: 4,
  json: 3,
  create: 1,
  reset: 1,
  delete: 1,
};

const options: fc.Arbitrary<Options> = fc.record({
  manager: fc.constantFrom("founder", "alice", "bob", "carol"),
  dryRun: fc.integer({ min: 0, max: 5 }).map((number) => number === 5),
  precondition: fc.oneof(
    { weight: 12, arbitrary: fc.constant("none" as const) },
    { weight: 3, arbitrary: fc.constant("current" as const) },
    { weight: 1, arbitrary: fc.constantFrom("stale" as const, "otherUid" as const) },
  ),
  fieldValidation: fc.oneof(
    { weight: 6, arbitrary: fc.constant("" as const) },
    { weight: 1, arbitrary: fc.constantFrom("Strict" as const, "Warn" as const, "Ignore" as const) },
  ),
});

/** Patches other than apply are JSON. */
const forms: fc.Arbitrary<Form> = fc.oneof(
  { weight: 4, arbitrary: fc.constant("json" as const) },
  { weight: 4, arbitrary: fc.constant("yaml" as const) },
  { weight: 1, arbitrary: fc.constant("repeated" as const) },
);

export function stepsFor(subject: Subject): fc.Arbitrary<Step> {
  const about = fieldsOf(subject);
  const acts: { readonly [V in Verb]: fc.Arbitrary<Act> } = {
    apply: fc.tuple(about, fc.boolean()).map(([fields, force]) => ({ verb: "apply", force, ...fields })),
    put: about.map((fields) => ({ verb: "put", ...fields })),
    merge: about.map((fields) => ({ verb: "merge", ...fields })),
    strategic: about.map((fields) => ({ verb: "strategic", ...fields })),
    create: subject.parts.map((fields) => ({ verb: "create", fields })),
    json: operationsOf(subject).map((operations) => ({ verb: "json", operations })),
    reset: fc.constant({ verb: "reset" }),
    delete: propagations.map((propagation) => ({ verb: "delete", propagation })),
  };
  const act = fc.oneof(...subject.verbs.map((verb) => ({ weight: weights[verb], arbitrary: acts[verb] })));
  return fc.tuple(act, options, forms).map(([what, how, form]) => ({ ...what, ...how, form: formOf(what.verb, form) }));
}

const readsYaml: ReadonlySet<Verb> = new Set(["apply"]);
const formOf = (verb: Verb, form: Form): Form => (form === "yaml" && !readsYaml.has(verb) ? "json" : form);

const propagations = fc.constantFrom<Propagation>("", "", "Background", "Foreground", "Orphan");

/** Mostly the object itself, now and then one of its subresources. */
function fieldsOf({ parts, statusParts, scalable }: Subject): fc.Arbitrary<Fields> {
  const at = (subresource: Subresource, weight: number, fields: fc.Arbitrary<JsonObject>) => ({
    weight,
    arbitrary: fields.map((value) => ({ subresource, fields: value })),
  });
  // Never none: there the number is left out then, and its manager with it.
  const replicas = fc.constantFrom(1, 2, 3, 1, 2, 3, -1).map((count) => ({ spec: { replicas: count } }));
  return fc.oneof(
    at("", 8, parts),
    ...(statusParts === undefined ? [] : [at("status", 2, statusParts)]),
    ...(scalable ? [at("scale", 1, replicas)] : []),
  );
}

function operationsOf({ pointers }: Subject): fc.Arbitrary<readonly JsonObject[]> {
  const operation = fc.tuple(fc.constantFrom("add", "replace", "remove", "test"), fc.constantFrom(...pointers));
  return fc.array(
    operation.map(([op, { pointer, value }]) => ({ op, path: pointer, ...(op === "remove" ? {} : { value }) })),
    { minLength: 1, maxLength: 2 },
  );
}

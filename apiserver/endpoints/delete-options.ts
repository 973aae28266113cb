/** DeleteOptions of a query or a body, parsed and checked (API section 3.7). */
import type { Schema } from "../../openapi/schema.ts";
import type { JsonObject, Preconditions } from "../apis/meta/v1.ts";
import { type FieldError, invalid, notSupported } from "../errors/field-error.ts";
import { newBadRequest, newUndecodable, type UndecodableError } from "../errors/status-error.ts";
import { isTrue, numericOf, objectOf, textOf, textsOf } from "../machinery/fields.ts";
import { member } from "../machinery/json.ts";
import type { DeleteRequest } from "../registry/rest/interface.ts";
import { compileSchema } from "../registry/schema/structural.ts";
import { assertValid, dryRunErrors, queryInteger } from "./query-options.ts";
import { queryBoolean } from "./request-info.ts";

const ignoresReadErrors = "ignoreStoreReadErrorWithClusterBreakingPotential";

const schema: Schema = {
  type: "object",
  properties: {
    apiVersion: { type: "string" },
    kind: { type: "string" },
    dryRun: { type: "array", items: { type: "string" } },
    gracePeriodSeconds: { type: "integer", format: "int64" },
    [ignoresReadErrors]: { type: "boolean" },
    orphanDependents: { type: "boolean" },
    preconditions: {
      type: "object",
      properties: { uid: { type: "string" }, resourceVersion: { type: "string" } },
    },
    propagationPolicy: { type: "string" },
  },
};
const structure = compileSchema(new Map([["DeleteOptions", schema]]), "DeleteOptions");

/** DeleteOptions before they are checked: as a body has them, or as the query spells them. */
type RawDeleteOptions = {
  readonly dryRun: readonly string[];
  readonly gracePeriodSeconds?: number;
  readonly orphanDependents?: boolean;
  readonly propagationPolicy?: string;
  readonly preconditions?: Preconditions;
  readonly ignoresReadErrors: boolean;
};

/** @throws StatusError 400, or 422 on `DeleteOptions` (API) */
export function deleteOptionsOfQuery(query: URLSearchParams): DeleteRequest {
  if (query.size === 0) return { dryRun: false };
  const grace = queryInteger(query, "gracePeriodSeconds");
  const uid = query.get("uid") ?? "";
  const resourceVersion = query.get("resourceVersion") ?? "";
  const policy = query.get("propagationPolicy");
  return checkedDeleteOptions({
    dryRun: query.getAll("dryRun"),
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(query.has("orphanDependents") ? { orphanDependents: queryBoolean(query.get("orphanDependents")) } : {}),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(uid === "" && resourceVersion === ""
      ? {}
      : { preconditions: { ...(uid !== "" && { uid }), ...(resourceVersion !== "" && { resourceVersion }) } }),
    ignoresReadErrors: query.has(ignoresReadErrors) && queryBoolean(query.get(ignoresReadErrors)),
  });
}

/**
 * DeleteOptions of any apiVersion (API X-05).
 * @returns the request, and the fields that mean nothing
 * @throws StatusError 400 for members of wrong types, 422 for wrong values
 */
export function deleteOptionsOfBody(body: JsonObject): {
  readonly options: DeleteRequest;
  readonly unknownFields: readonly string[];
} {
  const kind = member(body, "kind") ?? "";
  if (kind !== "" && kind !== "DeleteOptions") {
    throw newBadRequest(
      `the object provided is unrecognized (must be of type DeleteOptions): it is a ${JSON.stringify(kind)}`,
    );
  }
  const { object, errors, unknownFields } = structure.decode(body);
  if (errors.length > 0) {
    const why = errors.map(({ field, body: text }) => `${field}: ${text}`).join(", ");
    throw undecodableOptions(why);
  }
  const preconditions = objectOf(object, "preconditions");
  const grace = numericOf(object, "gracePeriodSeconds");
  const options = checkedDeleteOptions({
    dryRun: textsOf(object, "dryRun"),
    ...(grace === undefined ? {} : { gracePeriodSeconds: grace }),
    ...(isGiven(object, "orphanDependents") ? { orphanDependents: isTrue(object, "orphanDependents") } : {}),
    ...(isGiven(object, "propagationPolicy") ? { propagationPolicy: textOf(object, "propagationPolicy") } : {}),
    ...(preconditions === undefined
      ? {}
      : {
          preconditions: {
            ...(isGiven(preconditions, "uid") ? { uid: textOf(preconditions, "uid") } : {}),
            ...(isGiven(preconditions, "resourceVersion")
              ? { resourceVersion: textOf(preconditions, "resourceVersion") }
              : {}),
          },
        }),
    ignoresReadErrors: isTrue(object, ignoresReadErrors),
  });
  return { options, unknownFields };
}

/** How a body is refused whose DeleteOptions are of wrong types or hold what they may not (API V-17, V-24). */
export const undecodableOptions = (why: string): UndecodableError =>
  newUndecodable({ version: "v1", kind: "DeleteOptions" }, "DeleteOptions", why);

const isGiven = (object: JsonObject, name: string): boolean => (member(object, name) ?? null) !== null;

const propagationPolicies = ["Foreground", "Background", "Orphan"] as const;

function checkedDeleteOptions(options: RawDeleteOptions): DeleteRequest {
  const policy = propagationPolicies.find((value) => value === options.propagationPolicy);
  const errors: FieldError[] = [];
  if (options.propagationPolicy !== undefined && options.orphanDependents !== undefined) {
    errors.push(
      invalid(
        "propagationPolicy",
        options.propagationPolicy,
        "orphanDependents and deletionPropagation cannot be both set",
      ),
    );
  }
  if (options.propagationPolicy !== undefined && policy === undefined) {
    errors.push(notSupported("propagationPolicy", options.propagationPolicy, [...propagationPolicies, "nil"]));
  }
  errors.push(...dryRunErrors(options.dryRun));
  if (options.ignoresReadErrors) {
    const others = excludedByIgnoredErrors.filter((name) => options[name] !== undefined);
    errors.push(...others.map((name) => invalid(ignoresReadErrors, true, `cannot be set together with .${name}`)));
  }
  assertValid("DeleteOptions", errors);
  return {
    dryRun: options.dryRun.length > 0,
    ...(options.gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds: options.gracePeriodSeconds }),
    ...(options.orphanDependents === undefined ? {} : { orphanDependents: options.orphanDependents }),
    ...(policy === undefined ? {} : { propagationPolicy: policy }),
    ...(options.preconditions === undefined ? {} : { preconditions: options.preconditions }),
    ...(options.ignoresReadErrors && { ignoresReadErrors: true }),
  };
}

/** What an object that nobody can read has no part in. */
const excludedByIgnoredErrors = [
  "propagationPolicy",
  "orphanDependents",
  "gracePeriodSeconds",
  "preconditions",
] as const;

/** Of a whole collection nobody can mean it. @throws StatusError 422 (API) */
export function assertReadErrorsCount({ ignoresReadErrors: ignored }: DeleteRequest): void {
  if (ignored !== true) return;
  const why = "is not allowed with DELETECOLLECTION, try again after removing the option";
  assertValid("DeleteOptions", [invalid(ignoresReadErrors, true, why)]);
}

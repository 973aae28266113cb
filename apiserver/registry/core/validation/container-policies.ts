/** What a container says of its restarts, of resizing it while it runs, and of devices it claims. Texts are kube-apiserver's. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import { duplicate, type FieldError, invalid, joinPath, notSupported, required } from "../../../errors/field-error.ts";
import { isSet, listOf, objectOf, textOf } from "../../../machinery/fields.ts";
import { labelProblems } from "../../../machinery/names.ts";
import { entriesAt, type Fields, named } from "./checks.ts";

const restartPolicies = ["Always", "Never", "OnFailure"];
const maxRestartRules = 20;
const maxExitCodes = 255;

export function restartErrors(container: JsonObject, at: string): readonly FieldError[] {
  const policy = textOf(container, "restartPolicy");
  const policyAt = joinPath(at, "restartPolicy");
  const rules = listOf(container, "restartPolicyRules");
  const rulesAt = joinPath(at, "restartPolicyRules");
  return [
    ...(isSet(container, "restartPolicy") && !restartPolicies.includes(policy)
      ? [notSupported(policyAt, policy, restartPolicies)]
      : []),
    ...(rules.length > 0 && !isSet(container, "restartPolicy")
      ? [required(policyAt, "must specify restartPolicy when restart rules are used")]
      : []),
    ...(rules.length > maxRestartRules
      ? [
          {
            type: "FieldValueTooLong",
            field: rulesAt,
            body: `Too long: may not be more than ${maxRestartRules}`,
          } as const,
        ]
      : []),
    ...entriesAt(rules, rulesAt).flatMap(([rule, ruleAt]) => ruleErrors(rule, ruleAt)),
  ];
}

const ruleActions = ["Restart", "RestartAllContainers"];

function ruleErrors(rule: JsonObject, at: string): readonly FieldError[] {
  const action = textOf(rule, "action");
  const codes = objectOf(rule, "exitCodes");
  const codesAt = joinPath(at, "exitCodes");
  const count = listOf(codes, "values").length;
  const operator = textOf(codes, "operator");
  return [
    ...(ruleActions.includes(action) ? [] : [notSupported(joinPath(at, "action"), action, ruleActions)]),
    ...(codes === undefined ? [required(codesAt, "must be specified")] : []),
    ...(codes === undefined || ["In", "NotIn"].includes(operator)
      ? []
      : [notSupported(joinPath(codesAt, "operator"), operator, ["In", "NotIn"])]),
    ...(codes !== undefined && count === 0
      ? [invalid(joinPath(codesAt, "values"), [], "must specify at least one value")]
      : []),
    ...(count > maxExitCodes
      ? [
          {
            type: "FieldValueTooMany",
            field: joinPath(codesAt, "values"),
            body: `Too many: ${count}: must have at most ${maxExitCodes} items`,
          } as const,
        ]
      : []),
  ];
}

export function resizeErrors(container: JsonObject, at: string): readonly FieldError[] {
  const seen = new Set<string>();
  return entriesAt(listOf(container, "resizePolicy"), at).flatMap(([policy, policyAt]) => {
    const [name, restart] = [textOf(policy, "resourceName"), textOf(policy, "restartPolicy")];
    const repeated = seen.has(name);
    seen.add(name);
    return [
      ...(repeated ? [duplicate(policyAt, name)] : []),
      ...(["cpu", "memory"].includes(name)
        ? []
        : [name === "" ? required(at, "") : notSupported(at, name, ["cpu", "memory"])]),
      ...(["NotRequired", "RestartContainer"].includes(restart)
        ? []
        : [restart === "" ? required(at, "") : notSupported(at, restart, ["NotRequired", "RestartContainer"])]),
    ];
  });
}

/** @param known  names of the pod's own claims */
export function resourceClaimErrors(resources: Fields, at: string, known: ReadonlySet<string>): readonly FieldError[] {
  const seen = new Set<string>();
  return entriesAt(listOf(resources, "claims"), at).flatMap(([claim, claimAt]) => {
    const [name, request] = [textOf(claim, "name"), textOf(claim, "request")];
    const identity = `${name}/${request}`;
    const repeated = seen.has(identity);
    seen.add(identity);
    const which = known.size === 0 ? "empty" : `${[...known].join(", ")}`;
    return [
      ...(name === "" ? [required(joinPath(claimAt, "name"), "")] : []),
      ...(name === "" || known.has(name)
        ? []
        : [
            {
              type: "FieldValueNotFound",
              field: claimAt,
              body: `Not found: ${JSON.stringify(name)}: must be one of the names in pod.spec.resourceClaims which is ${which}`,
            } as const,
          ]),
      ...(request === "" ? [] : named(request, joinPath(claimAt, "request"), labelProblems)),
      ...(repeated ? [duplicate(claimAt, name)] : []),
    ];
  });
}

/**
 * Checks of the shared conformance suite that do not pass yet, or never will, each with its reason. A check that passes
 * although it is listed fails the run: the list never outlives its reasons.
 */

/** The ways to run that the suite knows. */
export type Profile = "standalone" | "aggregated";
export type Exception = { readonly check: string; readonly reason: string; readonly profiles: readonly Profile[] };

type Group = { readonly reason: string; readonly profiles: readonly Profile[]; readonly checks: readonly string[] };

const everywhere: readonly Profile[] = ["standalone", "aggregated"];

const groups: readonly Group[] = [
  {
    reason:
      "a Function without runtime, input or Pulsar connection is refused whatever writes it; the check applies one",
    profiles: everywhere,
    checks: [
      "check_31_apply.yaml_body",
      "check_31_apply.fields_v1",
      "check_31_apply.update_takes",
      "check_31_apply.scale_entry",
      "check_31_apply.noop_apply",
      "check_31_apply.force",
      "check_31_apply.co_ownership",
      "check_31_apply.ownership_removal",
      "check_31_apply.default_after_removal",
      "check_31_apply.atomic_lists",
      "check_31_apply.atomic_maps",
      "check_31_apply.keyed_lists",
      "check_31_apply.list_order",
      "check_31_apply.set_lists",
      "check_31_apply.last_applied_function",
      "check_31_apply.reset_managed_fields",
      "check_31_apply.invalid_managed_fields",
      "check_31_apply.apply_terminating",
      "check_34_access.apply_create",
    ],
  },
  {
    reason: "a Function's name is part of its Service's, which must begin with a letter; the check names some 0 and 9",
    profiles: everywhere,
    checks: ["check_20_get_list.list_order"],
  },
  {
    reason:
      "what stands for a character that is none is no letter of a tenant either: 422, where the check wants 201 or 400",
    profiles: everywhere,
    checks: ["check_12_negotiation.utf8"],
  },
];

export const exceptions: readonly Exception[] = groups.flatMap(({ checks, ...why }) =>
  checks.map((check) => ({ check, ...why })),
);

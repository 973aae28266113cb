/** What the security contexts of pods and containers must be. */
import type { JsonObject } from "../../../apis/meta/v1.ts";
import {
  duplicate,
  type FieldError,
  invalid,
  joinPath,
  notSupported,
  required,
  tooLong,
} from "../../../errors/field-error.ts";
import { isSet, isTrue, listOf, numericOf, objectOf, textOf, textsOf } from "../../../machinery/fields.ts";
import { subdomainProblems } from "../../../machinery/names.ts";
import { entriesAt, type Fields, named } from "./checks.ts";
import { descending } from "./volume-files.ts";

const greatestId = 2 ** 31 - 1;

const idErrors = (id: number, at: string): readonly FieldError[] =>
  id >= 0 && id <= greatestId ? [] : [invalid(at, id, `must be between 0 and ${greatestId}, inclusive`)];

const idsIn = (context: JsonObject, fields: readonly string[], at: string): readonly FieldError[] =>
  fields.flatMap((field) => idErrors(numericOf(context, field) ?? 0, joinPath(at, field)));

export function podSecurityErrors(context: Fields, at: string): readonly FieldError[] {
  if (context === undefined) return [];
  const groups = listOf(context, "supplementalGroups");
  return [
    ...idsIn(context, ["runAsUser", "runAsGroup", "fsGroup"], at),
    ...groups.flatMap((group, index) =>
      typeof group === "number" ? idErrors(group, joinPath(at, "supplementalGroups", index)) : [],
    ),
    ...sysctlErrors(context, at),
    ...profileErrors(context, at),
    ...windowsErrors(context, at),
    ...["seLinuxChangePolicy", "supplementalGroupsPolicy", "fsGroupChangePolicy"].flatMap((field) => {
      const [policy, known] = [textOf(context, field), policies[field] ?? []];
      return !isSet(context, field) || known.includes(policy) ? [] : [notSupported(joinPath(at, field), policy, known)];
    }),
  ];
}

const policies: { readonly [field: string]: readonly string[] } = {
  seLinuxChangePolicy: ["MountOption", "Recursive"],
  supplementalGroupsPolicy: ["Merge", "Strict"],
  fsGroupChangePolicy: ["Always", "OnRootMismatch"],
};

/** Windows' own limits of what a user may be called. */
const windowsUser = /^(?:[^\\]{1,256}\\)?[^"/\\[\]:;|=,+*?<>]{1,104}$/;
const maxCredentialSpec = 64 * 1024;

function windowsErrors(context: JsonObject, at: string): readonly FieldError[] {
  const options = objectOf(context, "windowsOptions");
  const optionsAt = joinPath(at, "windowsOptions");
  const [spec, name] = [textOf(options, "gmsaCredentialSpec"), textOf(options, "gmsaCredentialSpecName")];
  const empty = ["gmsaCredentialSpec", "gmsaCredentialSpecName", "runAsUserName"]
    .filter((field) => isSet(options, field) && textOf(options, field) === "")
    .map((field) => invalid(joinPath(optionsAt, field), "", `${field} cannot be an empty string`));
  const user = textOf(options, "runAsUserName");
  return [
    ...empty,
    ...(name === "" ? [] : named(name, joinPath(optionsAt, "gmsaCredentialSpecName"), subdomainProblems)),
    ...(spec.length > maxCredentialSpec
      ? [
          invalid(
            joinPath(optionsAt, "gmsaCredentialSpec"),
            "",
            `gmsaCredentialSpec size must be under ${maxCredentialSpec / 1024} KiB`,
          ),
        ]
      : []),
    ...(user === "" || (windowsUser.test(user) && /[^. ]/.test(user.replace(/^.*\\/, "")))
      ? []
      : [invalid(joinPath(optionsAt, "runAsUserName"), user, "must be `DOMAIN\\USER` or `USER`, as Windows has them")]),
  ];
}

/** Of a pod that has a network of its own. */
export const hostProcessErrors = (context: Fields, at: string): readonly FieldError[] =>
  isTrue(objectOf(context, "windowsOptions"), "hostProcess")
    ? [
        invalid(
          joinPath(at, "windowsOptions", "hostProcess"),
          true,
          "hostNetwork must be true if pod contains any hostProcess containers",
        ),
      ]
    : [];

function procErrors(mount: string, sharesUsers: boolean, at: string): readonly FieldError[] {
  if (mount !== "" && mount !== "Default" && mount !== "Unmasked")
    return [notSupported(at, mount, ["Default", "Unmasked"])];
  return mount === "Unmasked" && sharesUsers ? [invalid(at, mount, "`hostUsers` must be false to use `Unmasked`")] : [];
}

/** @param sharesUsers  the pod has the users of its node */
export function containerSecurityErrors(context: Fields, at: string, sharesUsers: boolean): readonly FieldError[] {
  if (context === undefined) return [];
  const added = textsOf(objectOf(context, "capabilities"), "add");
  const mayNot = isSet(context, "allowPrivilegeEscalation") && !isTrue(context, "allowPrivilegeEscalation");
  const escalates = [
    ...(isTrue(context, "privileged") ? ["`privileged` to true"] : []),
    ...(added.includes("SYS_ADMIN") || added.includes("CAP_SYS_ADMIN") ? ["`capabilities.Add` CAP_SYS_ADMIN"] : []),
  ];
  return [
    ...idsIn(context, ["runAsUser", "runAsGroup"], at),
    ...profileErrors(context, at),
    ...windowsErrors(context, at),
    ...procErrors(textOf(context, "procMount"), sharesUsers, joinPath(at, "procMount")),
    ...(mayNot
      ? escalates.map((what) => invalid(at, context, `cannot set \`allowPrivilegeEscalation\` to false and ${what}`))
      : []),
  ];
}

const maxAppArmorProfile = 4095;

/** What a profile's name may be: a file below the kubelet's directory, or what AppArmor calls it. */
const profiles: readonly (readonly [
  field: "seccompProfile" | "appArmorProfile",
  what: string,
  nameErrors: (profile: JsonObject, at: string) => readonly FieldError[],
])[] = [
  ["seccompProfile", "seccomp", (profile, at) => descending(profile, "localhostProfile", at)],
  ["appArmorProfile", "AppArmor", appArmorNameErrors],
];

function appArmorNameErrors(profile: JsonObject, at: string): readonly FieldError[] {
  const name = textOf(profile, "localhostProfile");
  const nameAt = joinPath(at, "localhostProfile");
  return [
    ...(name === name.trim() ? [] : [invalid(nameAt, name, "must not be padded with whitespace")]),
    ...(name.length > maxAppArmorProfile ? [tooLong(nameAt, maxAppArmorProfile, "bytes")] : []),
  ];
}

/** A profile of the node is named, and only that. */
const profileErrors = (context: JsonObject, at: string): readonly FieldError[] =>
  profiles.flatMap(([field, what, nameErrors]) => {
    const profile = objectOf(context, field);
    if (profile === undefined) return [];
    const isLocal = textOf(profile, "type") === "Localhost";
    const profileAt = joinPath(at, field, "localhostProfile");
    if (isLocal && textOf(profile, "localhostProfile") === "") {
      return [required(profileAt, `must be set when ${what} type is Localhost`)];
    }
    if (isLocal) return nameErrors(profile, joinPath(at, field));
    return isSet(profile, "localhostProfile")
      ? [invalid(profileAt, textOf(profile, "localhostProfile"), `can only be set when ${what} type is Localhost`)]
      : [];
  });

const sysctlName = /^(?:[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?[./])*[a-z0-9](?:[-_a-z0-9]*[a-z0-9])?$/;
const maxSysctlLength = 253;

function sysctlErrors(context: JsonObject, at: string): readonly FieldError[] {
  const seen = new Set<string>();
  return entriesAt(listOf(context, "sysctls"), joinPath(at, "sysctls")).flatMap(([sysctl, sysctlAt]) => {
    const name = textOf(sysctl, "name");
    const nameAt = joinPath(sysctlAt, "name");
    const repeated = seen.has(name);
    seen.add(name);
    if (name === "") return [required(nameAt, "")];
    if (name.length > maxSysctlLength || !sysctlName.test(name)) {
      return [
        invalid(nameAt, name, `must have at most ${maxSysctlLength} characters and match regex ${sysctlName.source}`),
      ];
    }
    return repeated ? [duplicate(nameAt, name)] : [];
  });
}

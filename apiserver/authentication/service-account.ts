/** Names and groups of service accounts, as RBAC subjects and tokens spell them. */
const userPrefix = "system:serviceaccount:";
const accountsGroup = "system:serviceaccounts";

export type ServiceAccountRef = { readonly namespace: string; readonly name: string };

export const serviceAccountUserName = ({ namespace, name }: ServiceAccountRef): string =>
  `${userPrefix}${namespace}:${name}`;

export const serviceAccountGroups = (namespace: string): readonly string[] => [
  accountsGroup,
  `${accountsGroup}:${namespace}`,
];

/** The account a user name stands for, or `undefined` when it is an ordinary user's. */
export function parseServiceAccountUserName(userName: string): ServiceAccountRef | undefined {
  if (!userName.startsWith(userPrefix)) return undefined;
  const [namespace, name, ...rest] = userName.slice(userPrefix.length).split(":");
  if (namespace === undefined || namespace === "" || name === undefined || name === "" || rest.length > 0)
    return undefined;
  return { namespace, name };
}

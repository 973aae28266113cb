/** Who makes a request (API 9.1). Groups include `system:authenticated` or `system:unauthenticated`. */
export type UserInfo = {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: { readonly [key: string]: readonly string[] };
};

export const anonymous: UserInfo = { name: "system:anonymous", groups: ["system:unauthenticated"] };
/** Members may do everything, without any review (API Z-01). */
export const mastersGroup = "system:masters";
export const authenticatedGroup = "system:authenticated";

/** Every user somebody vouched for is in one group more (API A-13). */
export function authenticated(user: UserInfo): UserInfo {
  const known = user.name === anonymous.name || user.groups.includes(authenticatedGroup);
  return known ? user : { ...user, groups: [...user.groups, authenticatedGroup] };
}

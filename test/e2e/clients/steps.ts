/** What a client's users do with it, in this order: each step by what it shows. It fails where the world isn't as it says. */
export type Steps = { readonly [shows: string]: () => Promise<void> };

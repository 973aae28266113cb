import type { ResourceClient } from "../../apiserver/client/client.ts";

/** A client that can do what is given; anything else rejects, naming itself. */
export function partialClient(methods: Partial<ResourceClient>): ResourceClient {
  const refuse = (name: string) => async (): Promise<never> => {
    throw new Error(`the test's client has no ${name}`);
  };
  return {
    get: refuse("get"),
    list: refuse("list"),
    watch: async function* () {
      await refuse("watch")();
      yield* [];
    },
    create: refuse("create"),
    update: refuse("update"),
    patch: refuse("patch"),
    apply: refuse("apply"),
    delete: refuse("delete"),
    ...methods,
  };
}

/** A function that exists before what it calls: calls wait until that is there. */
export type Late<Arguments extends readonly unknown[], Result> = {
  readonly call: (...given: Arguments) => Promise<Result>;
  set(target: (...given: Arguments) => Promise<Result>): void;
};

/**
 * Where two parts need each other: our own API asks who may use it, and that is asked of our own API. Whichever is made
 * first is given the other late.
 */
export function late<Arguments extends readonly unknown[], Result>(): Late<Arguments, Result> {
  type Target = (...given: Arguments) => Promise<Result>;
  const known = Promise.withResolvers<Target>();
  let target: Target = async (...given) => (await known.promise)(...given);
  return {
    call: (...given) => target(...given),
    set(found) {
      target = found;
      known.resolve(found);
    },
  };
}

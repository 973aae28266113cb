import assert from "node:assert/strict";
import { test } from "node:test";
import { problemsOf } from "./judge.ts";
import type { Sample } from "./measure.ts";

const sample = (n: number, cost: Partial<Sample>): Sample => ({
  n,
  sentBytes: 1000 * n,
  status: 200,
  answerBytes: 100,
  wallMs: 1,
  loopCpuMs: 10,
  livezMs: 1,
  heldMs: 1,
  livezRefusals: 0,
  grownBytes: 0,
  ...cost,
});
const sizes = (cost: (n: number) => Partial<Sample>): Sample[] => [1, 2, 4, 8].map((n) => sample(n, cost(n)));

const cases: {
  readonly [what: string]: {
    readonly samples: readonly Sample[];
    readonly problems: RegExp | undefined;
    readonly isExempt?: boolean;
  };
} = {
  "an answer as large as what is stored": { samples: sizes(() => ({ answerBytes: 250_000 })), problems: undefined },
  "an answer much larger than what is stored": {
    samples: sizes(() => ({ answerBytes: 10 ** 6 })),
    problems: /the answer has 1000000 bytes for 1000 sent and 100000 stored/,
  },
  "an answer that was asked to be indented": {
    samples: sizes(() => ({ answerBytes: 10 ** 6 })),
    problems: undefined,
    isExempt: true,
  },
  "linear time": { samples: sizes((n) => ({ loopCpuMs: 40 * n })), problems: undefined },
  "quadratic time": { samples: sizes((n) => ({ loopCpuMs: 10 * n * n })), problems: /n=8: 640 ms of CPU after 160/ },
  "an event loop that is held": {
    samples: sizes((n) => ({ loopCpuMs: 50 * n, livezMs: 50 * n, heldMs: 50 * n })),
    problems: /n=4: \/livez waited 200 ms, for 200 ms of CPU/,
  },
  "a machine that is busy with something else": { samples: sizes(() => ({ livezMs: 5000 })), problems: undefined },
  "memory that multiplies": { samples: sizes(() => ({ grownBytes: 2 ** 30 })), problems: /memory grew by 1024 MiB/ },
  "a server that says it is dead": { samples: sizes(() => ({ livezRefusals: 1 })), problems: /livez said no/ },
  "a panic": { samples: sizes(() => ({ status: 500 })), problems: /answered 500/ },
  "a refusal that repeats what was sent": {
    samples: sizes(() => ({ status: 422, answerBytes: 10 ** 6 })),
    problems: /refusal has 1000000 bytes/,
  },
};
for (const [what, { samples, problems, isExempt = false }] of Object.entries(cases)) {
  test(`${what}: ${problems === undefined ? "fine" : "told"}`, () => {
    const found = problemsOf(samples, { storedBytes: 100_000, isExempt }).join("; ");
    if (problems === undefined) assert.equal(found, "");
    else assert.match(found, problems);
  });
}

import assert from "node:assert/strict";
import { test } from "node:test";
import { cpuClock } from "../../test/support/cpu-clock.ts";
import { aRequest } from "../../test/support/requests.ts";
import { parseQuery } from "../endpoints/query.ts";
import { emptyResponse } from "../endpoints/responses.ts";
import { parseGoDuration } from "../machinery/go-duration.ts";
import { withRequestBounds } from "./request-bounds.ts";

const bounded = withRequestBounds(async () => emptyResponse(200));

test("a query of many parameters is refused, having cost one look at it", async () => {
  const elapsedMs = cpuClock();
  const query = parseQuery("a&".repeat(500_000));
  assert.equal(query.size, 1001);
  assert.ok(elapsedMs() < 100);
  await assert.rejects(bounded(aRequest({ url: `/livez?${"a&".repeat(5000)}` })), {
    message: "the query has 5001 parameters, at most 1000 are allowed",
  });
  assert.equal((await bounded(aRequest({ url: `/livez?${"a&".repeat(999)}a` }))).status, 200);
});

test("a query within the limit is read whole", () => {
  assert.equal(parseQuery("a=1&b=%26&a=2").getAll("a").length, 2);
  assert.equal(parseQuery("").size, 0);
});

for (const name of ["accept", "accept-encoding", "content-type", "if-none-match"]) {
  test(`a long ${name} is refused by its name`, async () => {
    const values = Array(3).fill(",".repeat(4000));
    await assert.rejects(bounded(aRequest({ headers: { [name]: values } })), {
      message: `header ${name} has 12000 characters, at most 8192 are allowed`,
    });
    assert.equal((await bounded(aRequest({ headers: { [name]: ",".repeat(8192) } }))).status, 200);
  });
}

test("a duration takes time along its text", () => {
  const elapsedMs = cpuClock();
  for (const text of ["1".repeat(1_000_000), `${"1s".repeat(500_000)}x`, ".".repeat(1_000_000)]) {
    assert.equal(parseGoDuration(text), undefined);
  }
  assert.ok(elapsedMs() < 500);
});

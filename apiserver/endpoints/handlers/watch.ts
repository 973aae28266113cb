import { newBadRequest } from "../../errors/status-error.ts";
import { systemClock } from "../../machinery/clock.ts";
import { newFieldSelector, requiredValue } from "../../machinery/selectors.ts";
import type { ApiRequest } from "../api-handler.ts";
import { negotiateStream } from "../negotiation.ts";
import { checkFormat, wrongShape } from "../output.ts";
import { inQueryTurns, type WatchQuery, watchOptionsInSteps } from "../query-options.ts";
import { contextOf, urlName, type VerbHandler, verbNotServed } from "../scope.ts";
import { Warnings } from "../warnings.ts";
import { eventsWithin, type ObservedWatch, WatchLifetime, watchResponse } from "../watch-stream.ts";

/** API section 6. What is wrong with the parameters is an HTTP error, everything later an ERROR event (API W-14). */
export const watchObjects: VerbHandler = async (request, scope) => {
  const startedMs = systemClock.elapsedMs();
  const { storage } = scope;
  if (storage.watch === undefined) throw verbNotServed(scope, "watch");
  const negotiated = negotiateStream(request);
  if (negotiated.transform.as === "PartialObjectMetadataList") {
    throw wrongShape("PartialObjectMetadataList", "a stream of single objects");
  }
  const format = checkFormat(request, negotiated, "object");
  const asked = await inQueryTurns(request, (query) => watchOptionsInSteps(query, scope.minWatchMs));
  const options = forName(asked, urlName(request));
  const warnings = new Warnings();
  const lifetime = new WatchLifetime(request.signal, options.timeoutMs);
  try {
    const context = {
      ...contextOf(request, scope, warnings),
      signal: lifetime.signal,
    };
    const refusesFuture = request.connection.isInProcess === true;
    const events = eventsWithin(await storage.watch(context, { ...options, refusesFuture }), lifetime);
    return watchResponse(scope, events, {
      format,
      headers: warnings.headers(),
      observed: { over: watchedScope(request), startedMs },
    });
  } catch (error) {
    lifetime[Symbol.dispose]();
    throw error;
  }
};

function watchedScope(request: ApiRequest): ObservedWatch["over"] {
  if (urlName(request) !== "") return "resource";
  return request.info.namespace === "" ? "cluster" : "namespace";
}

/** The deprecated path `/watch/…/NAME` is a watch on that name (API V-03, L-36). */
function forName(options: WatchQuery, name: string): WatchQuery {
  if (name === "") return options;
  const selected = requiredValue(options.fields, "metadata.name");
  if (selected !== undefined && selected !== name) {
    throw newBadRequest("fieldSelector metadata.name doesn't match requested name");
  }
  const requirements = [
    ...options.fields.requirements,
    { field: "metadata.name", operator: "=", value: name } as const,
  ];
  return { ...options, fields: newFieldSelector(requirements) };
}

import type { RequestInfo } from "../endpoints/request-info.ts";

/** Exempt from deadlines and in-flight limits (API R-02, W-07). */
export const isLongRunning = (info: RequestInfo): boolean => info.isResourceRequest && info.verb === "watch";

import { Gauge, type Registry } from "@prometheus-io/client";

/** @param info  as `/version` tells it */
export function registerBuildInfo(registry: Registry, info: { readonly [name: string]: string }): void {
  const labels: { [name: string]: string } = {};
  for (const [name, value] of Object.entries(info))
    labels[name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`)] = value;
  new Gauge({
    name: "kubernetes_build_info",
    help: "1, labelled with what was built and by what.",
    labelNames: Object.keys(labels),
    registers: [registry],
  }).set(labels, 1);
}

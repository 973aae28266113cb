/** The headless Service that gives a workload's pods their DNS names (FM 4.10). */
import type { KubeObject } from "../../apiserver/apis/meta/v1.ts";
import { grpcPort, metricsPort } from "./command/flags.ts";
import { childMetadata, componentLabels } from "./labels.ts";
import { serviceName, type Workload } from "./workload.ts";

export function desiredService(workload: Workload): KubeObject {
  const port = (name: string, number: number) => ({ name, port: number, protocol: "TCP", targetPort: number });
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: childMetadata(workload, serviceName(workload)),
    spec: {
      clusterIP: "None",
      ports: [port("tcp-grpc", grpcPort), port("http-metrics", metricsPort)],
      selector: componentLabels(workload),
    },
  };
}

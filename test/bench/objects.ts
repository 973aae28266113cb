/** A Function of about 3.3 KB, the size the design's figures are for. */
export function benchFunction(name: string, index: number): string {
  const topic = (kind: string): string => `persistent://public/default/${kind}-${index}`;
  return JSON.stringify({
    apiVersion: "compute.functionmesh.io/v1alpha1",
    kind: "Function",
    metadata: {
      name,
      labels: { app: "bench", shard: String(index % 100), team: `team-${index % 7}` },
      annotations: {
        "example.org/description": `Function ${index} of the benchmark. ${"It has a description of some length. ".repeat(12)}`,
      },
    },
    spec: {
      className: "org.example.functions.enrichment.CustomerOrderEnrichmentFunction",
      image: "registry.example.org/streaming/functions/customer-order-enrichment:3.11.4",
      tenant: "public",
      namespace: "default",
      clusterName: "pulsar",
      replicas: 1,
      maxReplicas: 5,
      autoAck: true,
      forwardSourceMessageProperty: true,
      processingGuarantee: "atleast_once",
      subscriptionName: `enrichment-${index}`,
      subscriptionPosition: "latest",
      maxMessageRetry: 3,
      deadLetterTopic: topic("dead"),
      logTopic: topic("logs"),
      input: {
        topics: [topic("orders"), topic("customers")],
        typeClassName: "org.example.model.CustomerOrder",
        sourceSpecs: {
          [topic("prices")]: { schemaType: "avro", receiverQueueSize: 1000, consumerProperties: { a: "1", b: "2" } },
        },
      },
      output: {
        topic: topic("enriched"),
        typeClassName: "org.example.model.EnrichedOrder",
        producerConf: { maxPendingMessages: 1000, useThreadLocalProducers: true },
      },
      funcConfig: Object.fromEntries(
        Array.from({ length: 16 }, (_, i) => [`setting-${i}`, `value ${i} of function ${index}`]),
      ),
      secretsMap: { API_KEY: { path: "api-secrets", key: "key" }, API_USER: { path: "api-secrets", key: "user" } },
      resources: { requests: { cpu: "250m", memory: "512Mi" }, limits: { cpu: "1", memory: "1Gi" } },
      pulsar: { pulsarConfig: "pulsar", authSecret: "pulsar-auth" },
      java: {
        jar: "/pulsar/functions/customer-order-enrichment.jar",
        log: { level: "info" },
        javaOpts: ["-Dfile.encoding=UTF-8", "-XX:+UseStringDeduplication"],
      },
      pod: {
        labels: { tier: "stream", "cost-center": "4711" },
        nodeSelector: { pool: "stream" },
        tolerations: [{ key: "dedicated", operator: "Equal", value: "stream", effect: "NoSchedule" }],
        env: [
          { name: "REGION", value: "eu-central-1" },
          { name: "STAGE", value: "production" },
        ],
      },
    },
  });
}

/** Manifests of our own: what people would write for a small pipeline. */

export const connection = `apiVersion: v1
kind: ConfigMap
metadata: {name: pulsar}
data:
  webServiceURL: http://pulsar-broker:8080
  brokerServiceURL: pulsar://pulsar-broker:6650
`;

export const wordcount = `apiVersion: compute.functionmesh.io/v1alpha1
kind: Function
metadata:
  name: wordcount
spec:
  className: org.example.WordCount
  image: example.org/wordcount:1.0
  replicas: 1
  input:
    topics: [persistent://public/default/sentences]
  output:
    topic: persistent://public/default/counts
  resources:
    requests: {cpu: 100m, memory: 256Mi}
    limits: {cpu: 200m, memory: 512Mi}
  pulsar: {pulsarConfig: pulsar}
  java: {jar: /pulsar/wordcount.jar}
`;

export const pipeline = `apiVersion: compute.functionmesh.io/v1alpha1
kind: FunctionMesh
metadata:
  name: pipeline
spec:
  sources:
  - name: lines
    className: org.example.Lines
    image: example.org/lines:1.0
    sourceConfig: {path: /data}
    output: {topic: persistent://public/default/lines}
    resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 256Mi}}
    pulsar: {pulsarConfig: pulsar}
    java: {jar: /pulsar/lines.nar}
  functions:
  - name: split
    className: split.Split
    image: example.org/split:1.0
    input: {topics: [persistent://public/default/lines]}
    output: {topic: persistent://public/default/words}
    resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 256Mi}}
    pulsar: {pulsarConfig: pulsar}
    python: {py: split.py}
  sinks:
  - name: store
    className: org.example.Store
    image: example.org/store:1.0
    sinkConfig: {table: words}
    input: {topics: [persistent://public/default/words]}
    resources: {requests: {cpu: 100m, memory: 256Mi}, limits: {memory: 256Mi}}
    pulsar: {pulsarConfig: pulsar}
    java: {jar: /pulsar/store.nar}
`;

export const everyOtherKind = `apiVersion: compute.functionmesh.io/v1alpha1
kind: BackendConfig
metadata: {name: backend-config}
spec:
  env: {REGION: eu}
`;

/** Wrong in three fields; nothing of it may be stored. */
export const badFunction = `apiVersion: compute.functionmesh.io/v1alpha1
kind: Function
metadata: {name: bad}
spec:
  replicas: -1
  processingGuarantee: sometimes
  className: org.example.Bad
  java: {jar: /pulsar/bad.jar}
  input: {topics: ["not/a/topic/name"]}
`;

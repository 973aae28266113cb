import { choice, flag, int32, list, map, object, text, textMap, texts } from "../nodes.ts";

const failureAction =
  "One of FAIL, DISCARD, CONSUME or SEND; anything else, also nothing, means FAIL. FAIL stops with an error";

const cryptoSecret = object(
  "One key of a Secret, as a file for the key reader.",
  {
    secretName: text("The Secret, in the namespace of the workload."),
    secretKey: text("The key within the Secret that holds the encryption key."),
    asVolume: text("Directory in the container under which the key is mounted. Without it the Secret isn't mounted."),
  },
  ["secretName", "secretKey"],
);

const cryptoConfig = object("End-to-end encryption of the messages of one topic.", {
  cryptoKeyReaderClassName: text("Java class that reads the keys. Needed for encryption to work at all."),
  cryptoKeyReaderConfig: textMap("Settings handed to the key reader when it is created."),
  encryptionKeys: texts(
    "Names of the public keys a producer encrypts with. An output that is encrypted needs at least one.",
  ),
  producerCryptoFailureAction: text(
    `What a producer does when it can't encrypt. ${failureAction}, SEND publishes plain text.`,
  ),
  consumerCryptoFailureAction: text(
    `What a consumer does when it can't decrypt. ${failureAction}, DISCARD acknowledges and drops the message, CONSUME delivers it encrypted.`,
  ),
  cryptoSecrets: list(cryptoSecret, "Secrets mounted into the container for the key reader."),
});

const consumerConfig = object("How one topic is consumed.", {
  schemaType: text("Schema of the messages: a built-in type such as AVRO, JSON or STRING, or a Java class."),
  serdeClassname: text(
    "Class that deserialises the messages, instead of a schema. Spelled with a small n on the wire.",
  ),
  isRegexPattern: flag(
    "Whether the topic, the key of this entry, is a regular expression over topic names. Default: false.",
  ),
  schemaProperties: textMap("Properties of the schema, for example jsr310ConversionEnabled."),
  consumerProperties: textMap("Properties of the consumer, shown by the broker's statistics."),
  receiverQueueSize: int32(
    "Messages that are fetched ahead of processing. More of them raise throughput and memory use. Not below 0; when unset the client's default, 1000.",
  ),
  cryptoConfig,
});

/** Of functions and sinks: what they read. */
export const input = object("The topics that are consumed. At least one must be named, in whichever of these fields.", {
  typeClassName: text("Class of the messages' values. Default: [B, an array of bytes."),
  topics: texts(
    "Topics by name: persistent://tenant/namespace/topic, non-persistent://…, or a short name in public/default.",
  ),
  topicPattern: text("A regular expression over full topic names. New topics that match are picked up while running."),
  customSerdeSources: textMap("Topic to the class that deserialises its messages."),
  customSchemaSources: textMap("Topic to the schema type of its messages."),
  sourceSpecs: map(
    consumerConfig,
    "Topic to how it is consumed in every detail. Wins over the other fields where they name the same topic.",
  ),
});

const producerConfig = object("How messages are produced. Unset numbers and flags leave it to the Pulsar client.", {
  maxPendingMessages: int32("Messages that may wait for the broker's acknowledgement before sending blocks or fails."),
  maxPendingMessagesAcrossPartitions: int32("The same limit, over all partitions of the topic together."),
  useThreadLocalProducers: flag("Give each thread of the instance a producer of its own. Default: false."),
  cryptoConfig,
  batchBuilder: text(
    "How messages are batched: DEFAULT in order of arrival, KEY_BASED by key, as key-shared consumers need.",
  ),
  compressionType: choice(
    ["NONE", "LZ4", "ZLIB", "ZSTD", "SNAPPY"],
    "How messages are compressed. When unset the instance decides.",
  ),
});

/** Of functions and sources: what they write. */
export const output = object("The topic that results are published to.", {
  typeClassName: text("Class of the results. Default: [B, an array of bytes."),
  topic: text(
    "Topic by name. Without it a function's results are dropped. It can't be one of the input topics, which would feed a function its own results.",
  ),
  sinkSerdeClassName: text("Class that serialises the results, instead of a schema."),
  sinkSchemaType: text("Schema of the results: a built-in type such as AVRO, JSON or STRING, or a Java class."),
  producerConf: {
    ...producerConfig,
    description:
      "How results are produced. A Source without it gets 1000 pending messages, 1000 across partitions, and thread-local producers.",
  },
  customSchemaSinks: textMap(
    "Topic to a consumer configuration as JSON text, of which schemaProperties and consumerProperties are used. Only the entry of the output topic has an effect, and only for a Function.",
  ),
});

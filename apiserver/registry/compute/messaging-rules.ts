/** Which topics a workload may read and write, and how messages are delivered (FM section 3). */
import { type FieldError, forbiddenField, invalid, joinPath, required } from "../../errors/field-error.ts";
import { entriesOf, isSet, isTrue, listOf, numberOf, objectOf, textOf } from "../../machinery/fields.ts";
import type { AnySpec, WorkloadKind } from "./defaults.ts";
import { inputTopics, topicProblem } from "./topics.ts";

type Subject = { readonly kind: WorkloadKind; readonly spec: AnySpec; readonly at: string };

const leastNumbers = [
  { field: "negativeAckRedeliveryDelayMs", least: 0 },
  { field: "maxPendingAsyncRequests", least: 1 },
] as const;

export function checkDelivery({ kind, spec, at }: Subject): readonly FieldError[] {
  const effectivelyOnce = textOf(spec, "processingGuarantee") === "effectively_once";
  const errors: FieldError[] = [];
  const timeout = numberOf(spec, "timeout") ?? 0;
  const retries = numberOf(spec, "maxMessageRetry") ?? 0;
  if (timeout < 0) errors.push(invalid(joinPath(at, "timeout"), timeout, "must be greater than or equal to 0"));
  for (const { field, least } of leastNumbers) {
    const value = numberOf(spec, field);
    if (value !== undefined && value < least) {
      errors.push(invalid(joinPath(at, field), value, `must be greater than or equal to ${least}`));
    }
  }
  if (effectivelyOnce && timeout !== 0) {
    errors.push(
      forbiddenField(joinPath(at, "timeout"), "an acknowledgement timeout cannot be combined with effectively_once"),
    );
  }
  if (effectivelyOnce && retries > 0) {
    errors.push(forbiddenField(joinPath(at, "maxMessageRetry"), "retries cannot be combined with effectively_once"));
  }
  if (textOf(spec, "deadLetterTopic") !== "" && retries <= 0) {
    errors.push(
      required(
        joinPath(at, "maxMessageRetry"),
        "a dead letter topic is reached after a number of retries greater than 0",
      ),
    );
  }
  if (kind === "Function" && isTrue(spec, "retainKeyOrdering")) {
    const keyOrderAt = joinPath(at, "retainKeyOrdering");
    if (effectivelyOnce) errors.push(forbiddenField(keyOrderAt, "cannot be combined with effectively_once"));
    if (isTrue(spec, "retainOrdering"))
      errors.push(forbiddenField(keyOrderAt, "cannot be combined with retainOrdering"));
  }
  return errors;
}

export function checkInput({ kind, spec, at }: Subject): readonly FieldError[] {
  if (kind === "Function" && isSet(spec, "sourceConfig")) return [];
  const topics = inputTopics(spec);
  const errors: FieldError[] =
    topics.length === 0
      ? [required(joinPath(at, "input"), "at least one input topic, for example in topics or topicPattern")]
      : [];
  for (const { topic, path } of topics) {
    const problem = topicProblem(topic);
    if (problem !== undefined) errors.push(invalid(joinPath(at, "input", ...path), topic, problem));
  }
  for (const [topic, consumer] of entriesOf(objectOf(spec, "input"), "sourceSpecs")) {
    const consumerAt = joinPath(at, "input", "sourceSpecs", { key: topic });
    const queueSize = numberOf(consumer, "receiverQueueSize");
    if (queueSize !== undefined && queueSize < 0) {
      errors.push(invalid(joinPath(consumerAt, "receiverQueueSize"), queueSize, "must be greater than or equal to 0"));
    }
    const crypto = objectOf(consumer, "cryptoConfig");
    if (crypto !== undefined && textOf(crypto, "cryptoKeyReaderClassName") === "") {
      errors.push(
        required(joinPath(consumerAt, "cryptoConfig", "cryptoKeyReaderClassName"), "class that reads the keys"),
      );
    }
  }
  return errors;
}

export function checkOutput({ kind, spec, at }: Subject): readonly FieldError[] {
  const output = objectOf(spec, "output");
  const topic = textOf(output, "topic");
  if (topic === "" || (kind === "Function" && isSet(spec, "sinkConfig"))) return [];
  const topicAt = joinPath(at, "output", "topic");
  const errors: FieldError[] = [];
  const problem = topicProblem(topic);
  if (problem !== undefined) errors.push(invalid(topicAt, topic, problem));
  if (kind === "Function" && inputTopics(spec).some((input) => input.topic === topic)) {
    errors.push(invalid(topicAt, topic, "must not be one of the input topics: the function would read what it writes"));
  }
  const producer = objectOf(output, "producerConf");
  for (const field of ["maxPendingMessages", "maxPendingMessagesAcrossPartitions"] as const) {
    const value = numberOf(producer, field) ?? 0;
    const valueAt = joinPath(at, "output", "producerConf", field);
    if (value < 0) errors.push(invalid(valueAt, value, "must be greater than or equal to 0"));
  }
  const crypto = objectOf(producer, "cryptoConfig");
  if (crypto !== undefined) {
    const cryptoAt = joinPath(at, "output", "producerConf", "cryptoConfig");
    if (textOf(crypto, "cryptoKeyReaderClassName") === "") {
      errors.push(required(joinPath(cryptoAt, "cryptoKeyReaderClassName"), "class that reads the keys"));
    }
    if (listOf(crypto, "encryptionKeys").length === 0) {
      errors.push(required(joinPath(cryptoAt, "encryptionKeys"), "name of at least one key to encrypt with"));
    }
  }
  return errors;
}

export function checkTopicFields({ spec, at }: Subject): readonly FieldError[] {
  return (["logTopic", "deadLetterTopic"] as const).flatMap((field) => {
    const topic = textOf(spec, field);
    const problem = topic === "" ? undefined : topicProblem(topic);
    return problem === undefined ? [] : [invalid(joinPath(at, field), topic, problem)];
  });
}

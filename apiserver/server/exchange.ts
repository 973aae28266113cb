/** From a request to its written answer: what all protocols have in common, and all requests of one server share. */
import type { ApiHandler, ApiRequest, ApiResponse } from "../endpoints/api-handler.ts";
import { abandon } from "../endpoints/responses.ts";
import type { Logger } from "../observability/log.ts";
import { AnswerWriter, type Sink, type WriterOptions } from "./answer-writer.ts";
import type { BodyLimits } from "./body-reader.ts";

export type ExchangeOptions = BodyLimits &
  WriterOptions & {
    readonly handler: ApiHandler;
    readonly log: Logger;
  };

/** One request as its protocol hands it over. */
export type Call = {
  readonly request: ApiRequest;
  /** Aborts `request.signal`. */
  readonly controller: AbortController;
  readonly sink: Sink & { once(event: "close", listener: () => void): unknown };
  /** Sends status and headers; those of an endless answer at once. */
  readonly writeHead: (answer: ApiResponse, endless: boolean) => void;
};

export class Exchange {
  readonly options: ExchangeOptions;
  readonly writer: AnswerWriter;
  readonly #watches = new Set<AbortController>();
  #retiring = false;
  #draining = false;

  constructor(options: ExchangeOptions) {
    this.options = options;
    this.writer = new AnswerWriter(options);
  }

  get draining(): boolean {
    return this.#draining;
  }

  get retiring(): boolean {
    return this.#retiring;
  }

  /** From now on answers close their connections. */
  retire(): void {
    this.#retiring = true;
  }

  /** From now on watches end too. */
  drain(): void {
    this.retire();
    this.#draining = true;
    for (const watch of this.#watches) watch.abort();
  }

  /** Never rejects: what fails once the answer has begun can only be cut off (API E-35). */
  async serve(call: Call): Promise<void> {
    const { request, sink } = call;
    try {
      const answer = await this.options.handler(request);
      if (sink.destroyed) return await abandon(answer);
      if (answer.onWritten !== undefined) sink.once("close", answer.onWritten);
      await this.#write(call, answer);
    } catch (err) {
      this.options.log.error({ err }, "writing an answer failed");
      sink.destroy();
    }
  }

  async #write({ request, controller, sink, writeHead }: Call, answer: ApiResponse): Promise<void> {
    const endless = answer.result?.kind === "watch";
    writeHead(answer, endless);
    if (answer.body === undefined || request.method === "HEAD") {
      sink.end();
      return;
    }
    const { writtenFor: whose = "" } = answer;
    const { signal } = controller;
    if (!endless) return this.writer.write(sink, answer.body(), { signal, whose, endless });
    this.#watches.add(controller);
    try {
      if (this.#draining) controller.abort();
      await this.writer.write(sink, answer.body(), { signal, whose, endless });
    } finally {
      this.#watches.delete(controller);
    }
  }
}

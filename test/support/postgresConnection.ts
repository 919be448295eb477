import type { Socket } from "node:net";
import { type Frame, FrameReader, type Unit, UnitReader } from "./postgresUnit.ts";

/** What to do to one unit: see PostgresFault. `meanwhile` is awaited, `cut` called once the connection is gone. */
export type Interruption = { stored: boolean; meanwhile: () => Promise<void>; cut: () => void };

/** First words of a connection, in place of a protocol version. */
const cancelRequest = 80877102;
const encryptionRequests = [80877103, 80877104]; // SSLRequest, GSSENCRequest

/**
 * One client's connection to the server. Messages go on to the server only as whole units, so that a client killed in the
 * middle of one leaves nothing of it behind; a Flush (cursors) sends on what is there.
 */
export class ProxiedConnection {
  #client: Socket;
  #upstream: Socket;
  #onUnit: (unit: Unit) => Interruption | null;
  #started = false;
  #startup: Buffer = Buffer.alloc(0);
  #fromClient = new FrameReader();
  #fromServer = new FrameReader();
  #unitReader = new UnitReader();
  #unsent: Buffer[] = [];
  /** One entry for each ReadyForQuery that is still to come; the first answers the start-up itself. */
  #unanswered: (Interruption | null)[] = [null];
  /** A unit that is not sent; its turn comes when the units before it have been answered. */
  #withheld: Interruption | null = null;
  #interrupted = false;

  constructor(client: Socket, upstream: Socket, onUnit: (unit: Unit) => Interruption | null) {
    this.#client = client;
    this.#upstream = upstream;
    this.#onUnit = onUnit;
    client.setNoDelay(true).on("data", (chunk: Buffer) => this.#readClient(chunk));
    upstream.setNoDelay(true).on("data", (chunk: Buffer) => this.#readServer(chunk));
    client.on("error", () => {}).on("close", () => upstream.end());
    upstream.on("error", () => {}).on("close", () => client.end());
  }

  pause(): void {
    this.#client.pause();
    this.#upstream.pause();
  }

  resume(): void {
    this.#client.resume();
    this.#upstream.resume();
  }

  cut(): void {
    this.#client.destroySoon(); // answers to earlier units still go out
    this.#upstream.destroy();
  }

  #readClient(chunk: Buffer): void {
    if (!this.#started) this.#readStartup(chunk);
    else for (const frame of this.#fromClient.read(chunk)) this.#takeFromClient(frame);
  }

  #readStartup(chunk: Buffer): void {
    this.#startup = Buffer.concat([this.#startup, chunk]);
    while (!this.#started && this.#startup.length >= 8) {
      const length = this.#startup.readInt32BE(0);
      const code = this.#startup.readInt32BE(4);
      if (this.#startup.length < length) return;
      const message = this.#startup.subarray(0, length);
      this.#startup = this.#startup.subarray(length);
      if (encryptionRequests.includes(code)) {
        this.#client.write("N"); // we must be able to read along
        continue;
      }
      this.#upstream.write(message);
      if (code === cancelRequest) return;
      this.#started = true;
      if (this.#startup.length) this.#readClient(this.#startup);
    }
  }

  #takeFromClient(frame: Frame): void {
    if (this.#withheld || this.#interrupted) return; // nothing after an interrupted unit gets out
    const unit = this.#unitReader.read(frame);
    this.#unsent.push(frame.bytes);
    if (unit) this.#sendUnit(unit);
    else if (!"PBDEC".includes(frame.type)) this.#sendOn();
  }

  #sendUnit(unit: Unit): void {
    const interruption = this.#onUnit(unit);
    if (interruption && !interruption.stored) {
      this.#withheld = interruption;
      this.#interruptWithheld();
      return;
    }
    this.#unanswered.push(interruption);
    this.#sendOn();
  }

  #sendOn(): void {
    this.#upstream.write(Buffer.concat(this.#unsent));
    this.#unsent = [];
  }

  #readServer(chunk: Buffer): void {
    const answers: Buffer[] = [];
    for (const { type, bytes } of this.#fromServer.read(chunk)) {
      if (this.#interrupted) break;
      const held = this.#unanswered[0];
      if (!held || type === "G") answers.push(bytes); // CopyInResponse: without it the client cannot finish its unit
      if (type !== "Z") continue;
      this.#unanswered.shift();
      if (held) void this.#interrupt(held);
    }
    if (answers.length) this.#client.write(Buffer.concat(answers));
    this.#interruptWithheld();
  }

  #interruptWithheld(): void {
    if (this.#withheld && !this.#interrupted && this.#unanswered.length === 0)
      void this.#interrupt(this.#withheld);
  }

  async #interrupt({ meanwhile, cut }: Interruption): Promise<void> {
    this.#interrupted = true;
    await meanwhile();
    this.cut();
    cut();
  }
}

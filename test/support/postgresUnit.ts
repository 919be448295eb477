/**
 * What a client says in the PostgreSQL protocol up to one point at which the server answers ReadyForQuery: a simple
 * Query, or extended messages up to their Sync. One unit is one round trip.
 * Source: PostgreSQL documentation, "Frontend/Backend Protocol", Message Flow and Message Formats.
 */
export type Unit = {
  /** The statements it carries out, in order; named prepared statements by their text. */
  sql: readonly string[];
  /** Whether any of them can change what is stored: data, definitions, notifications, or a COMMIT that makes them so. */
  writes: boolean;
};

/** A protocol message with its header: one type letter (none in the start-up phase) and its length. */
export type Frame = { type: string; bytes: Buffer };

/** Cuts a byte stream into typed messages. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** @returns the messages that `chunk` completes. */
  read(chunk: Buffer): Frame[] {
    this.#rest = this.#rest.length ? Buffer.concat([this.#rest, chunk]) : chunk;
    const frames: Frame[] = [];
    while (this.#rest.length >= 5) {
      const end = 1 + this.#rest.readInt32BE(1);
      if (this.#rest.length < end) break;
      frames.push({ type: String.fromCharCode(this.#rest[0]!), bytes: this.#rest.subarray(0, end) });
      this.#rest = this.#rest.subarray(end);
    }
    return frames;
  }
}

/** Gathers the messages of one connection's client into units, and remembers its prepared statements. */
export class UnitReader {
  #prepared = new Map<string, string>();
  #sql: string[] = [];

  /** @returns the unit that `frame` completes, or null. */
  read({ type, bytes }: Frame): Unit | null {
    const [first, second] = textsOf(bytes);
    if (type === "P") this.#prepared.set(first, second);
    if (type === "B") this.#sql.push(this.#prepared.get(second) ?? "");
    if (type === "C" && first[0] === "S") this.#prepared.delete(first.slice(1));
    if (type === "Q") this.#sql.push(first);
    if (type !== "Q" && type !== "S") return null;
    const sql = this.#sql;
    this.#sql = [];
    return { sql, writes: sql.some(writes) };
  }
}

/** The first two zero-terminated texts of a message's body. */
function textsOf(bytes: Buffer): [string, string] {
  const firstEnd = Math.max(bytes.indexOf(0, 5), 5);
  const secondEnd = Math.max(bytes.indexOf(0, firstEnd + 1), firstEnd + 1);
  return [bytes.toString("utf8", 5, firstEnd), bytes.toString("utf8", firstEnd + 1, secondEnd)];
}

const quotedOrComment = /'(?:[^']|'')*'|"[^"]*"|--[^\n]*|\/\*.*?\*\//gs;
const rowLock = /\bfor\s+(?:no\s+key\s+)?update\b/gi;
const writingWord =
  /\b(?:insert|update|delete|merge|copy|truncate|create|alter|drop|commit|notify|pg_notify|nextval|setval|call|do)\b/i;

/** Takes COMMIT of a transaction that only read for a write too: what went before is not looked at. */
function writes(sql: string): boolean {
  return writingWord.test(sql.replace(quotedOrComment, " ").replace(rowLock, " "));
}

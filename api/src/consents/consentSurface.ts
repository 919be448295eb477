/** Which surface recorded it; each has threads of its own (protocol §7). `erasure`: the record of an erasure itself. */
export type ConsentSurface = "log" | "receipts" | "gate" | "proof" | "erasure";

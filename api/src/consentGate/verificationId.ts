const NAME = /^ver_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/;

/** Names a verification to its tenant: `ver_` and the 32 hex digits of its id. */
export function verificationName(id: string): string {
  return `ver_${id.replaceAll("-", "")}`;
}

/** Null for a text that names none. */
export function verificationIdOf(name: string): string | null {
  return NAME.exec(name)?.slice(1).join("-") ?? null;
}

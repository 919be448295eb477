import type { Json } from "#protocol/consentRecord.ts";
import type { StoredConsent } from "../consents/findConsent.ts";
import type { NewConsent, ShownDocument } from "../consents/newConsent.ts";
import { openRecord } from "../consents/sealRecord.ts";
import { ConflictError } from "../errors.ts";
import type { WithdrawInput } from "./wire.ts";

/**
 * The withdrawal of a recorded consent: who, where and of what as it stands in the record, whatever became of the document version
 * since. In a thread it follows the thread's last record; where the consent named no visitor, the consent itself.
 * @throws {ConflictError} when the person was erased: nobody can be told to have withdrawn.
 */
export function withdrawalOf(stored: StoredConsent, input: WithdrawInput): NewConsent {
  if (stored.erasedBy !== null) throw new ConflictError("The consent was erased");
  const { fields } = openRecord(stored);
  const record = new Map<string, Json>(fields.map(({ name, value }) => [name, value]));
  const text = (name: string) => record.get(name) as string | undefined;
  return {
    surface: "log",
    type: text("type")!,
    action: "withdraw",
    decision: "withdraw",
    visitor: text("visitor"),
    site: text("site"),
    document: shownDocument(record),
    jurisdiction: text("jurisdiction"),
    framework: text("framework"),
    ipAddress: input.ip_address ?? undefined,
    userAgent: input.user_agent || undefined,
    metadata: input.metadata ?? undefined,
    previousDigest: stored.recordDigest.toString("hex"),
  };
}

function shownDocument(record: Map<string, Json>): ShownDocument | undefined {
  const document = record.get("document") as Record<string, string> | undefined;
  if (document === undefined) return undefined;
  return {
    versionId: document.version_id!,
    slug: document.slug!,
    version: document.version!,
    language: document.language!,
    textSha256: record.get("text_sha256") as string,
  };
}

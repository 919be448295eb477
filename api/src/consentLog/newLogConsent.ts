import type { Caller } from "../accounts/scope.ts";
import { ACTION_OF_LOG_DECISION } from "../consents/actions.ts";
import type { NewConsent, ShownDocument } from "../consents/newConsent.ts";
import type { FindVersionShown } from "../documents/versionShown.ts";
import { ConflictError, InvalidInputError, type MemberProblem } from "../errors.ts";
import type { ConsentInput } from "./wire.ts";

/**
 * What is to be recorded of a consent that a key's site sent (HE-2). Categories are a field of their own, which outlives an erasure;
 * the rest of the metadata does not.
 * @throws {InvalidInputError} unless the document version is an active one of the tenant.
 * @throws {ConflictError} when it is retired.
 */
export async function newLogConsent(
  { tenantId, site }: Pick<Caller, "tenantId" | "site">,
  input: ConsentInput,
  findVersion: FindVersionShown,
): Promise<NewConsent> {
  const versionId = input.document_version_id ?? undefined;
  const { categories, ...metadata } = input.metadata ?? {};
  return {
    surface: "log",
    type: input.consent_type,
    action: ACTION_OF_LOG_DECISION[input.decision],
    decision: input.decision,
    visitor: input.visitor_id ?? undefined,
    site: site ?? undefined,
    document: versionId === undefined ? undefined : await shownDocument(tenantId, versionId, findVersion),
    categories: (categories ?? undefined) as Record<string, boolean> | undefined,
    jurisdiction: input.visitor_region ?? undefined,
    framework: input.compliance_framework ?? undefined,
    ipAddress: input.ip_address ?? undefined,
    userAgent: input.user_agent || undefined,
    metadata: Object.keys(metadata).length > 0 ? metadata : undefined,
  };
}

async function shownDocument(
  tenantId: string,
  versionId: string,
  findVersion: FindVersionShown,
): Promise<ShownDocument> {
  const found = await findVersion(tenantId, versionId);
  if (found === null)
    throw new InvalidInputError("Unknown document version", problem("names none of your document versions"));
  const { id, status, ...shown } = found;
  if (status === "draft")
    throw new InvalidInputError("Document version is a draft", problem("is a draft, which nobody was shown"));
  if (status === "retired") throw new ConflictError("Document version is retired", problem("is retired"));
  return { ...shown, versionId: id };
}

function problem(text: string): MemberProblem[] {
  return [{ member: "document_version_id", problem: text }];
}

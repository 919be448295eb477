import { eraseVerifications } from "../consentGate/eraseVerifications.ts";
import type { Eraser } from "./eraser.ts";

/**
 * Everything that keeps personal values beside the records and their holds; a folder that begins to keep some adds its eraser here. Audit
 * rows and logs never hold any: of a path that names a person (resource type `person`) they keep nothing.
 */
export const ERASERS: readonly Eraser[] = [eraseVerifications];

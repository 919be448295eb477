import { en } from "./words.en.ts";
import { sr } from "./words.sr.ts";
import { srCyrl } from "./words.srCyrl.ts";
import type { ProofLanguage, Words } from "./words.ts";

export const WORDS: Record<ProofLanguage, Words> = { en, sr, "sr-Cyrl": srCyrl };

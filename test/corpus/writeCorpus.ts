import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { replayChain } from "#test/support/replayedChain.ts";
import { chainFileOf, chainText } from "./chainFile.ts";
import { makeJournal } from "./journal.ts";
import { CORPUS_FOLDER } from "./keys.ts";
import { indexText, makeCorpus } from "./makeCorpus.ts";

/**
 * `npm run vectors`: makes the corpus in test/vectors/corpus anew. Everything in it is fixed, so
 * that nothing changes without a reason.
 */
const { journal, txHashOf } = await makeJournal();
const chain = await replayChain(journal);
try {
  const files = await makeCorpus(chain.rpcUrl, txHashOf);
  const write = (name: string, content: string | Uint8Array) =>
    writeFileSync(path.join(CORPUS_FOLDER, name), content);
  for (const folder of ["must-refuse", "must-accept"])
    mkdirSync(path.join(CORPUS_FOLDER, folder), { recursive: true });
  for (const { file, content } of files) write(file, content);
  write("index.json", indexText(files));
  write("chain.json", chainText(chainFileOf(journal, chain.head)));
  removeOthers(new Set(files.map(({ file }) => file)));
  console.log(`${files.length} files, block ${chain.head.number} ${chain.head.hash}`);
} finally {
  await chain.stop();
}

/** Of cases that are no longer made. */
function removeOthers(files: ReadonlySet<string>): void {
  for (const folder of ["must-refuse", "must-accept"])
    for (const name of readdirSync(path.join(CORPUS_FOLDER, folder)))
      if (!files.has(`${folder}/${name}`)) rmSync(path.join(CORPUS_FOLDER, folder, name));
}

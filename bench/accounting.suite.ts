import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { leafText } from '@sijill/event-store';
import type { Ledger } from '@sijill/ledger';
import { SubjectProofs, type ProofScope } from '@sijill/notary';
import type { FileSink } from '@sijill/reports';
import { hashLeafText, ProofPacker, proofLines, utf8, verifyAccountingProof } from '@sijill/transparency';
import { benchLedger, intakePass } from './embedded-intake.js';
import { pass, round, showProgress, type Pass, type SuiteResult } from './measure.js';
import { sampleBodies, sampleEvents } from './sample-events.js';
import { sideBySide, type Part } from './side-by-side.js';

const FULL = { rounds: 3, disclosures: [100, 10_000, 100_000] };
const QUICK: typeof FULL = { rounds: 1, disclosures: [100, 1_000] };

/** What an accounting and its proof cost, by how many disclosures of one person they show. */
export async function accountingSuite({ quick }: { quick: boolean }): Promise<SuiteResult> {
  const { rounds, disclosures } = quick ? QUICK : FULL;
  const scratch = mkdtempSync(join(tmpdir(), 'sijill-bench-'));
  const removeScratch = (): void => rmSync(scratch, { recursive: true, force: true });
  process.once('exit', removeScratch);
  const parts: GrowingPart[] = [];
  try {
    for (const count of disclosures) parts.push(await partOf(count, join(scratch, `ledger-${count}`)));
    const [least, most] = [disclosures[0]!, disclosures.at(-1)!];
    parts[0]!.comparisons.push({
      name: `made, a second: ${most.toLocaleString('en')} / ${least.toLocaleString('en')} disclosures`,
      over: madeName(most),
      under: madeName(least),
    });
    const result = await sideBySide(parts, { rounds, scratch, judged: !quick });
    return { suite: 'accounting', durability: 'SQLite WAL, synchronous=FULL', ...result };
  } finally {
    showProgress('');
    for (const part of parts) await part.close();
    process.off('exit', removeScratch);
    removeScratch();
  }
}

interface GrowingPart extends Part {
  readonly comparisons: Part['comparisons'][number][];
}

const madeName = (count: number): string => `proof made, ${count.toLocaleString('en')} disclosures`;

/** A ledger in which one person has so many disclosures, and another as many between them. */
async function partOf(count: number, dataDir: string): Promise<GrowingPart> {
  showProgress(`a ledger of ${(2 * count).toLocaleString('en')} disclosures`);
  const bodies = sampleBodies(sampleEvents(2 * count, 2), 500);
  await intakePass(dataDir, bodies, { callers: 4, project: false, notary: true });
  const ledger = await benchLedger(dataDir);
  const subjectId = await personIn(ledger);
  const trust = { log: await ledger.log.keys.published() };
  const [made, verified] = [madeName(count), `proof verified, ${count.toLocaleString('en')} disclosures`];
  const read = `leaves read and hashed, ${count.toLocaleString('en')} disclosures`;
  const file = await packed(ledger, subjectId, 'complete');
  const more = await reportMemory(ledger, subjectId);
  return {
    sides: [
      { name: made, run: () => pass([async () => (await packed(ledger, subjectId, 'complete'), count)]) },
      {
        name: verified,
        run: () =>
          pass([
            () => {
              if (verifyAccountingProof(proofLines(file), trust).entries.length !== count)
                throw new Error('the proof does not show all that there is');
              return count;
            },
          ]),
      },
      { name: read, run: () => readPass(ledger, subjectId, count) },
    ],
    comparisons: [
      { name: `proof made / leaves read and hashed, ${count.toLocaleString('en')}`, over: made, under: read },
      { name: `proof verified / leaves read and hashed, ${count.toLocaleString('en')}`, over: verified, under: read },
    ],
    notes: [
      `${count.toLocaleString('en')} disclosures: a proof of ${round(file.length / 1_000)} KB, ${round(file.length / count)} bytes each; ` +
        `${round(process.memoryUsage.rss() / 1_048_576)} MB resident when it was made; ` +
        `its report as JSON and CSV, with the proof, made with ${round(more / 1_048_576)} MB more than before at most`,
    ],
    close: () => ledger.close(),
  };
}

async function packed(ledger: Ledger, subjectId: string, scope: ProofScope): Promise<Buffer> {
  const { store, log, subjectMap } = ledger;
  const proofs = new SubjectProofs(store, log.store, subjectMap, log.published);
  const text = await proofs.prove([subjectId], { scope, covering: 0, patienceMs: 0 });
  if (text === null) throw new Error('there is no map that shows the disclosures');
  const packer = new ProofPacker();
  const pieces: Uint8Array[] = [];
  for await (const piece of text) pieces.push(...packer.add(utf8(piece), false));
  return Buffer.concat([...pieces, ...packer.add(new Uint8Array(), true)]);
}

/** How much more is resident at most while a report and its proof are made, piece by piece. */
async function reportMemory({ readModels, reports, store }: Ledger, subjectId: string): Promise<number> {
  await readModels.catchUp(store);
  const before = process.memoryUsage.rss();
  let most = 0;
  const sink: FileSink = {
    put: async (_, content) => {
      for await (const _piece of content) most = Math.max(most, process.memoryUsage.rss() - before);
    },
  };
  const who = { subjectId, requestedBy: 'bench', principal: 'bench', reason: 'bench' };
  await reports.make(
    { ...who, audience: 'officer', from: null, to: null, language: 'en', formats: ['json', 'csv'] },
    sink,
  );
  return most;
}

/** What cannot be spared: the entries of the person, each as its leaf, hashed. */
function readPass(ledger: Ledger, subjectId: string, count: number): Promise<Pass> {
  return pass([
    async () => {
      let found = 0;
      for await (const batch of ledger.store.readTexts())
        for (const entry of batch) {
          if (!entry.data.includes(subjectId)) continue;
          hashLeafText(leafText(entry));
          found++;
        }
      if (found < count) throw new Error('the store does not have all that was sent');
      return count;
    },
  ]);
}

async function personIn(ledger: Ledger): Promise<string> {
  for await (const batch of ledger.store.readTexts({ batchSize: 10 }))
    for (const { data } of batch) {
      const { subjectId } = JSON.parse(data) as { subjectId?: string };
      if (subjectId !== undefined) return subjectId;
    }
  throw new Error('nobody is in the ledger');
}

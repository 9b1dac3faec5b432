// The stand-in as a process of its own, so that a test can kill it: `node --import tsx main.ts PORT DIRECTORY`.
import { startEventStoreDbStandIn } from './stand-in.js';

const [port = '0', dataDir] = process.argv.slice(2);
const standIn = await startEventStoreDbStandIn({ port: Number(port), ...(dataDir === undefined ? {} : { dataDir }) });
process.stdout.write(`${standIn.connectionString}\n`);
process.once('SIGTERM', () => void standIn.stop().then(() => process.exit(0)));

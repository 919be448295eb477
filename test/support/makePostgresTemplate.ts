/** `node makePostgresTemplate.ts <folder>`: makes a PostgreSQL cluster there, and its password; see postgresTemplate.ts. */
import { startEmbeddedPostgres } from "#scripts/embeddedPostgres.ts";

const server = await startEmbeddedPostgres({ dataDir: process.argv[2]!, durable: false });
await server.stop();

import { createServer } from "node:net";

/**
 * The wanted TCP port on loopback, or a free one when it is taken or 0. Somebody may take it before we listen there: the indexer
 * then takes the next one, and chain and API end and say so.
 */
export async function freePort(wanted: number): Promise<number> {
  return (await canListen(wanted)) ?? (await canListen(0))!;
}

function canListen(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(null));
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address !== null ? address.port : null));
    });
  });
}

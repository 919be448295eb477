import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { type Interruption, ProxiedConnection } from "./postgresConnection.ts";
import type { Unit } from "./postgresUnit.ts";

export type PostgresFault = {
  /** Which unit it applies to: by its SQL, or any that writes (the default). */
  matching?: RegExp;
  /** The n-th such unit since the fault was added, over all connections. Default 1. */
  nth?: number;
  /** false: the server never hears of the unit. true: the server carries it out, its answer is held back. */
  stored: boolean;
  /** Awaited while unit or answer is held: the moment to kill the client. Then the connection is cut on both sides. */
  meanwhile?: (unit: Unit) => unknown;
};

export type AddedFault = {
  /** Resolves with the unit it hit, after the connection has been cut; rejects with what `meanwhile` threw. */
  done: Promise<Unit>;
  /** Whether a unit has been hit. */
  applied(): boolean;
  /** @returns whether it was still waiting. */
  remove(): boolean;
};

export type PostgresProxy = {
  /** Connection string of the same database and user by way of the proxy. */
  url: string;
  /** Every unit (round trip) the clients sent since the start, in order, the discarded ones included. */
  units: readonly Unit[];
  addFault(fault: PostgresFault): AddedFault;
  /** Cuts all open connections; new ones are let through. */
  severAll(): void;
  /** Keeps connections open and lets nothing through, in either direction, until resume(). */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
};

type ActiveFault = PostgresFault & { left: number; hit?: Unit; finish: PromiseWithResolvers<Unit> };

/** A proxy before the PostgreSQL server of `databaseUrl`, on a free loopback port. Give each process under test its own. */
export async function startPostgresProxy({ databaseUrl }: { databaseUrl: string }): Promise<PostgresProxy> {
  const target = new URL(databaseUrl);
  const units: Unit[] = [];
  const faults = new Set<ActiveFault>();
  const connections = new Set<ProxiedConnection>();
  let paused = false;

  const onUnit = (unit: Unit) => {
    units.push(unit);
    const fault = [...faults].filter((one) => matches(one, unit) && --one.left === 0)[0];
    if (!fault) return null;
    fault.hit = unit;
    faults.delete(fault);
    return interruptionOf(fault, unit);
  };

  const server = createServer((client: Socket) => {
    const upstream = connect(Number(target.port || 5432), target.hostname);
    const connection = new ProxiedConnection(client, upstream, onUnit);
    connections.add(connection);
    client.once("close", () => connections.delete(connection));
    if (paused) connection.pause();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));

  const severAll = () => {
    for (const connection of connections) connection.cut();
  };
  return {
    url: urlThrough(target, (server.address() as AddressInfo).port),
    units,
    severAll,
    addFault(fault) {
      const finish = Promise.withResolvers<Unit>();
      const active: ActiveFault = { ...fault, left: fault.nth ?? 1, finish };
      faults.add(active);
      return {
        done: finish.promise,
        applied: () => active.hit !== undefined,
        remove: () => faults.delete(active),
      };
    },
    pause() {
      paused = true;
      for (const connection of connections) connection.pause();
    },
    resume() {
      paused = false;
      for (const connection of connections) connection.resume();
    },
    stop() {
      severAll();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function interruptionOf({ stored, meanwhile, finish }: ActiveFault, unit: Unit): Interruption {
  return {
    stored,
    async meanwhile() {
      try {
        await meanwhile?.(unit);
      } catch (error) {
        finish.reject(error);
      }
    },
    cut: () => finish.resolve(unit),
  };
}

function matches({ matching }: PostgresFault, unit: Unit): boolean {
  return matching ? unit.sql.some((sql) => matching.test(sql)) : unit.writes;
}

function urlThrough(target: URL, port: number): string {
  const url = new URL(target);
  url.hostname = "127.0.0.1";
  url.port = String(port);
  return url.href;
}

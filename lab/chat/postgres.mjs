// A Postgres primary and its replica, whichever of the nodes is which just now.
//
// Nothing here is told who the primary is: a node says so itself (pg_is_in_recovery), and is asked again
// whenever something goes wrong. Every query has a time limit, so that a node that hangs is one that failed.

import pg from "pg";

const CONNECT_MS = 1000;
const QUERY_MS = 2500;
const POOL_MAX = 8;
const RETRY_MS = 150;

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Postgres {
  #nodes;

  /** @param addresses "host:port" of each node */
  constructor(addresses) {
    this.#nodes = addresses.map((address) => {
      const [host, port] = address.split(":");
      const pool = new pg.Pool({
        host,
        port: Number(port),
        user: "chat",
        database: "chat",
        max: POOL_MAX,
        connectionTimeoutMillis: CONNECT_MS,
        query_timeout: QUERY_MS,
      });
      // An idle connection that breaks is the pool's business; without a listener it would be ours.
      pool.on("error", () => {});
      return { address, pool, primary: undefined };
    });
  }

  /**
   * Runs `work(query)` on the primary, and again until it comes about: it must be repeatable.
   * Throws the last error after `within_ms`.
   */
  async write(work, within_ms) {
    const end = performance.now() + within_ms;
    for (;;) {
      const node = await this.#node(true);
      try {
        if (!node) throw new Error("there is no primary just now");
        return await work((text, values) => node.pool.query(text, values));
      } catch (error) {
        if (node) node.primary = undefined;
        if (performance.now() + RETRY_MS > end) throw error;
      }
      await sleep(RETRY_MS);
    }
  }

  /** A query on the primary, once. */
  onPrimary(text, values) {
    return this.#on(true, text, values);
  }

  /** A query on a replica, once. */
  onReplica(text, values) {
    return this.#on(false, text, values);
  }

  async end() {
    await Promise.all(this.#nodes.map(({ pool }) => pool.end().catch(() => {})));
  }

  async #on(primary, text, values) {
    const node = await this.#node(primary);
    if (!node) throw new Error(primary ? "there is no primary just now" : "there is no replica just now");
    try {
      return await node.pool.query(text, values);
    } catch (error) {
      node.primary = undefined;
      throw error;
    }
  }

  /** The node that is, or is not, the primary; asks those that have not said. */
  async #node(primary) {
    const known = this.#nodes.find((node) => node.primary === primary);
    if (known) return known;
    await Promise.all(
      this.#nodes.map(async (node) => {
        const answer = await node.pool.query("select pg_is_in_recovery() as standby").catch(() => undefined);
        node.primary = answer && !answer.rows[0].standby;
      }),
    );
    return this.#nodes.find((node) => node.primary === primary);
  }
}

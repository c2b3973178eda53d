// The history in Postgres: written to the primary, read from the replica.
//
// Ids are gapless and in the order in which they were committed: `last` is one row, which an insert locks
// until it is committed. So a client that has 7 and is given 9 knows that it lacks 8, and a reader of
// "everything after 7" cannot overtake an 8 that is still being written; a sequence would promise neither.
//
// Reading from a replica, which is always a little behind: the primary is asked how far it is, and the
// replica is read once it has replayed that far. Should it not get there, the primary is read. Should the
// primary be away, then what was confirmed is on the replica's disk (replication is synchronous), and it
// is read once it has replayed all that it holds.

const WRITE_MS = 30_000;
const REPLAY_MS = 2000;
const REPLAY_POLL_MS = 20;
const MESSAGES_MAX = 2000;

const INSERT = `
  with next as (update last set id = id + 1 returning id)
  insert into messages (id, key, username, message) select id, $1, $2, $3 from next returning id`;
const UNIQUE_VIOLATION = "23505";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class PostgresHistory {
  durable = true;
  #database;
  #figures = { written: 0, again: 0, fromReplica: 0, fromPrimary: 0, waited_ms: 0 };

  constructor(database) {
    this.#database = database;
  }

  /** The message's id, also when it was there already. */
  add({ key, username, message }) {
    return this.#database.write(async (query) => {
      try {
        const { rows } = await query(INSERT, [key, username, message]);
        this.#figures.written += 1;
        return Number(rows[0].id);
      } catch (error) {
        if (error.code !== UNIQUE_VIOLATION) throw error;
        this.#figures.again += 1;
        const { rows } = await query("select id from messages where key = $1", [key]);
        return Number(rows[0].id);
      }
    }, WRITE_MS);
  }

  /** What was said after `cursor`, at most the latest of them, and up to which id that is everything. */
  async since(cursor = 0) {
    const text = `
      select id, key, username, message from messages
      where id > greatest($1, (select id from last) - ${MESSAGES_MAX}) order by id`;
    const upTo = (rows) => (rows.length > 0 ? Number(rows.at(-1).id) : cursor);
    const answer = (rows) => ({
      messages: rows.map((row) => ({ ...row, id: Number(row.id) })),
      upTo: upTo(rows),
    });
    if (await this.#replicaIsUpToDate()) {
      const found = await this.#database.onReplica(text, [cursor]).catch(() => undefined);
      if (found) {
        this.#figures.fromReplica += 1;
        return answer(found.rows);
      }
    }
    const found = await this.#database.write((query) => query(text, [cursor]), WRITE_MS);
    this.#figures.fromPrimary += 1;
    return answer(found.rows);
  }

  figures() {
    return { ...this.#figures, waited_ms: Math.round(this.#figures.waited_ms) };
  }

  /** Waits until the replica shows all that was committed before this call. */
  async #replicaIsUpToDate() {
    const asked = await this.#database
      .onPrimary("select pg_current_wal_flush_lsn() as lsn")
      .catch(() => undefined);
    const caughtUp = asked
      ? ["select pg_last_wal_replay_lsn() >= $1::pg_lsn as yes", [asked.rows[0].lsn]]
      : ["select pg_last_wal_replay_lsn() >= pg_last_wal_receive_lsn() as yes", []];
    const begun = performance.now();
    try {
      while (performance.now() - begun < REPLAY_MS) {
        const { rows } = await this.#database.onReplica(...caughtUp);
        if (rows[0].yes) return true;
        await sleep(REPLAY_POLL_MS);
      }
    } catch {
      // no replica just now
    } finally {
      this.#figures.waited_ms += performance.now() - begun;
    }
    return false;
  }
}

// @socket.io/postgres-adapter on a PostgreSQL of our own: LISTEN and NOTIFY; a message above 8,000
// bytes takes the way over a table. The database is set up as one for passing things on would be: in
// a temporary folder, without waiting for the disk.
import { execFileSync } from "node:child_process";
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { sleep } from "../lib/clock.mjs";
import { packageVersion } from "../lib/packages.mjs";
import { freePorts } from "../lib/ports.mjs";
import { childrenOf } from "../lib/proc.mjs";

const kPackage = "@socket.io/postgres-adapter";
const kRoot = "/usr/lib/postgresql"; // Debian: a folder for each major version
const kReadyMs = 20_000;
const kPollMs = 50;
const kAccess = 0o755;
const kTable =
  "CREATE TABLE socket_io_attachments (id bigserial UNIQUE," +
  " created_at timestamptz DEFAULT NOW(), payload bytea)";

/** Where Debian's newest initdb, postgres and pg_ctl are; undefined when there are none. */
function programs() {
  if (!existsSync(kRoot)) return undefined;
  const folders = readdirSync(kRoot)
    .sort((one, other) => Number(other) - Number(one))
    .map((version) => join(kRoot, version, "bin"));
  return folders.find((folder) => existsSync(join(folder, "initdb")));
}

/** postgres refuses to run as root: then it is the user postgres, whom the package makes. */
function owner() {
  if (process.getuid() !== 0) return {};
  const id = (flag) => Number(execFileSync("id", [flag, "postgres"], { encoding: "utf8" }));
  return { uid: id("-u"), gid: id("-g") };
}

export const postgres = {
  name: "postgres",
  title: "postgres-adapter",
  promises:
    "at most once: what is sent while a listener is away is lost; every server reads every message",

  versions() {
    const server = execFileSync(join(programs(), "postgres"), ["--version"], { encoding: "utf8" });
    return {
      postgres: /\d+\.\d+/.exec(server)[0],
      [kPackage]: packageVersion(kPackage),
      pg: packageVersion("pg"),
    };
  },

  missing() {
    if (!programs()) return "no PostgreSQL here: apt-get install postgresql";
    try {
      this.versions();
      return undefined;
    } catch (error) {
      return `${error.message.split("\n", 1)[0]}: run 'npm ci' in bench/`;
    }
  },

  async start(household) {
    const bin = programs();
    const user = owner();
    const folder = household.folder();
    chmodSync(folder, kAccess);
    const data = join(folder, "data");
    mkdirSync(data);
    if (user.uid !== undefined) chownSync(data, user.uid, user.gid);
    const initdb = ["-D", data, "-U", "bench", "--auth=trust", "--no-sync", "--encoding=UTF8"];
    execFileSync(join(bin, "initdb"), initdb, { ...user, cwd: "/", stdio: "pipe" });
    const [port] = await freePorts(1);
    const settings = [
      ...["listen_addresses=127.0.0.1", `port=${port}`, "unix_socket_directories="],
      ...["fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=300"],
    ];
    const child = await household.start(
      join(bin, "postgres"),
      ["-D", data, ...settings.flatMap((setting) => ["-c", setting])],
      { ...user, cwd: "/" },
    );
    const options = { host: "127.0.0.1", port, user: "bench", database: "postgres" };
    await prepared(child, options);
    return {
      options: () => options,
      // One process for each connection; all of them stay as long as the servers do.
      processes: () => [child.pid, ...childrenOf(child.pid)].map((pid) => ({ role: "broker", pid })),
      async stop() {
        child.kill("SIGINT"); // "fast": ends its connections, where SIGTERM waits for them
        await household.end(child);
        household.remove(folder);
      },
    };
  },

  async connect(options) {
    const { default: pg } = await import("pg");
    const { createAdapter } = await import(kPackage);
    const pool = new pg.Pool(options);
    await pool.query("SELECT 1");
    return createAdapter(pool, {
      errorHandler: (error) => console.error(`postgres-adapter: ${error.message}`),
    });
  },
};

/** Resolves when it answers and has the table that the adapter's documentation asks for. */
async function prepared(child, options) {
  const { default: pg } = await import("pg");
  const deadline = Date.now() + kReadyMs;
  for (;;) {
    const client = new pg.Client(options);
    try {
      await client.connect();
      await client.query(kTable);
      return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > deadline) {
        throw new Error(`postgres does not come up: ${error.message} ${child.lastOutput()}`);
      }
      await sleep(kPollMs);
    } finally {
      await client.end().catch(() => {});
    }
  }
}

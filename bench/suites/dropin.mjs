// Drop-in: frames of a peer of socket.io-mesh-adapter v2 to another one, through the tunnels of two real
// sidecars (carry mode), and over a WebSocket straight between the two, as the package has it. Same two
// processes, same frames, turn by turn: the ratio is the figure.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { sleep } from "../lib/clock.mjs";
import { freePorts } from "../lib/ports.mjs";
import { cpuUs } from "../lib/proc.mjs";
import { ServerProcess } from "../lib/server_process.mjs";
import { median, percentiles, pooled, significant, spread } from "../lib/stats.mjs";
import { socketmeshSystems } from "../systems/socketmesh.mjs";

const kSidecar = fileURLToPath(new URL("../../build/bin/socketmesh-sidecar", import.meta.url));
const kPeer = fileURLToPath(new URL("../child/peer.mjs", import.meta.url));
const kIds = ["00000000000000aa", "00000000000000bb"]; // the smaller dials
const kBytes = 200;
const kPacedRates = [1000, 12_000];
const kReadyMs = 10_000;
const kDrainMs = 5000;
const kRestMs = 250;
const kWays = ["direct", "carry"];

const [socketmesh] = socketmeshSystems;

export const name = "dropin";

export async function run({ household, systems, options, report, log }) {
  if (!systems.includes(socketmesh)) return;
  const runs = new Map();
  try {
    const pair = await Pair.start(household);
    try {
      for (const way of kWays) await pair.measure(way, { rate: 0, seconds: 1 }); // warms up
      for (let round = 0; round < options.runs; round++) {
        for (const rate of [...kPacedRates, 0]) {
          for (const way of round % 2 ? kWays.toReversed() : kWays) {
            await sleep(kRestMs);
            const result = await pair.measure(way, { rate, seconds: options.seconds });
            const key = `${way} ${rate}`;
            runs.set(key, [...(runs.get(key) ?? []), { way, rate, ...result }]);
            log(`dropin ${round + 1}/${options.runs}, ${way}, ${rate || "saturation"}: ` +
                `${Math.round(result.perSecond)}/s`);
          }
        }
      }
    } finally {
      await pair.stop();
    }
  } catch (error) {
    report.failed.push({ suite: name, system: "dropin", reason: error.message });
    return log(`dropin: failed: ${error.message}`);
  }
  report.dropin = [...runs.values()].map(row);
}

function row(runs) {
  const of = (key) => runs.map((run) => run[key]);
  const [p50, p99] = percentiles(pooled(of("latenciesUs")), [50, 99]);
  return {
    way: runs[0].way,
    bytes: kBytes,
    offered_per_s: runs[0].rate,
    runs: runs.length,
    frames_per_s: significant(median(of("perSecond"))),
    spread: significant(spread(of("perSecond")), 2),
    cpu_us_per_frame: significant(median(of("cpuUsPerFrame")), 3),
    p50_us: significant(p50),
    p99_us: significant(p99),
    lost: of("lost").reduce((sum, lost) => sum + lost, 0),
  };
}

/** Two peers, their sidecars, and both connections between them. */
class Pair {
  #household;
  #peers = [];
  #sidecars = [];

  static async start(household) {
    const pair = new Pair();
    pair.#household = household;
    try {
      await pair.#start(household);
    } catch (error) {
      await pair.stop();
      throw error;
    }
    return pair;
  }

  async #start(household) {
    this.folder = household.folder();
    const ports = await freePorts(8);
    const links = [ports[0], ports[4]];
    const discoveries = [];
    for (const [i, [link, admin, discovery, tunnel]] of [ports.slice(0, 4), ports.slice(4)].entries()) {
      const config = join(this.folder, `sidecar-${i}.yaml`);
      writeFileSync(
        config,
        [
          "mesh: {name: bench}",
          `app: {listen: "unix:${join(this.folder, `app-${i}.sock`)}"}`,
          `link: {listen: "127.0.0.1:${link}"}`,
          `admin: {listen: "127.0.0.1:${admin}"}`,
          `discovery: {static: ["127.0.0.1:${links[1 - i]}"]}`,
          `dropin: {discovery: "127.0.0.1:${discovery}", tunnel: "127.0.0.1:${tunnel}"}`,
          "",
        ].join("\n"),
      );
      this.#sidecars.push(await household.start(kSidecar, ["--config", config]));
      discoveries.push(`ws://127.0.0.1:${discovery}`);
    }
    await sleep(500); // they listen
    const addresses = [];
    for (const [i, id] of kIds.entries()) {
      const peer = await ServerProcess.start(household, { program: kPeer });
      this.#peers.push(peer);
      addresses.push(await peer.call("listen", { id }));
      await peer.call("register", { discovery: discoveries[i] });
    }
    const [sender] = this.#peers;
    await sender.call("dial", { name: "direct", to: addresses[1] });
    await sender.call("dial", { name: "carry", to: await this.#carried() });
  }

  async #carried() {
    const deadline = Date.now() + kReadyMs;
    for (;;) {
      const address = await this.#peers[0].call("addressOf", { id: kIds[1] });
      if (address !== undefined) return address;
      if (Date.now() > deadline) throw new Error(`no roster in ${kReadyMs} ms`);
      await sleep(20);
    }
  }

  async measure(way, { rate, seconds }) {
    const [sender, receiver] = this.#peers;
    await receiver.call("arm");
    const before = this.#cpuUs();
    const { sent, firstUs } = await sender.call("send", { name: way, bytes: kBytes, rate, seconds });
    const lastUs = await receiver.call("received", { count: sent, timeoutMs: kDrainMs });
    const cpu = this.#cpuUs() - before;
    const { counted, latenciesUs } = await receiver.call("report");
    return {
      perSecond: (counted * 1e6) / ((lastUs ?? NaN) - firstUs),
      cpuUsPerFrame: cpu / sent,
      latenciesUs,
      lost: sent - counted,
    };
  }

  #cpuUs() {
    return [...this.#peers, ...this.#sidecars].reduce((sum, { pid }) => sum + cpuUs(pid), 0);
  }

  async stop() {
    await Promise.all(this.#peers.map((peer) => peer.end()));
    await Promise.all(this.#sidecars.map((child) => this.#household.end(child)));
    if (this.folder) this.#household.remove(this.folder);
  }
}

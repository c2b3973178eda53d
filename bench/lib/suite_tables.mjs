// The tables of the suites beside the adapter path.
import { losses } from "../suites/recovery.mjs";
import { relayTitles } from "../suites/relay.mjs";
import { systemNamed } from "../systems/index.mjs";

const title = (entry) => systemNamed(entry.system).title;
const grouped = (number) => number.toLocaleString("en-US");
const text = (value) => (value === undefined || value === null ? "-" : String(value));

/** One table; none without entries. `columns`: [head, cell(entry)]. */
function table(heading, entries, columns) {
  if (!entries || entries.length === 0) return [];
  return [
    {
      title: heading,
      header: columns.map(([head]) => head),
      rows: entries.map((entry) => columns.map(([, cell]) => text(cell(entry)))),
    },
  ];
}

export function suiteTables(report) {
  return [
    ...table("Convergence after a third server attaches", report.convergence, [
      ["system", title],
      ["it counts 3, ms", (entry) => entry.own_ms],
      ["the others count 3, ms", (entry) => entry.others_ms],
      ["worst, ms", (entry) => entry.worst_ms],
      ["runs", (entry) => entry.runs],
    ]),
    ...table("Resident memory of the backend, three servers attached, idle", report.memory, [
      ["system", title],
      ["processes", (entry) => entry.processes],
      ["largest, MiB", (entry) => entry.largest_resident_mib],
      ["all, MiB", (entry) => entry.total_resident_mib],
    ]),
    ...table("Recovery: sessions that come back to two other servers, 5,000 a second", report.recovery, [
      ["system", title],
      ["what happened", (row) => losses[row.loss]],
      ["sessions", (row) => grouped(row.sessions)],
      ["recovered", (row) => grouped(row.recovered)],
      ["messages missing", (row) => grouped(row.missing_messages)],
      ["p50 ms", (row) => row.p50_ms],
      ["p99 ms", (row) => row.p99_ms],
    ]),
    ...table("Recovery: how far copies for killed pods are behind, three servers hold the room", report.copy_lag, [
      ["system", title],
      ["messages/s", (row) => grouped(row.offered_per_s)],
      ["samples", (row) => grouped(row.samples)],
      ["p50 below, ms", (row) => row.p50_ms],
      ["p99 below, ms", (row) => row.p99_ms],
    ]),
    ...table("Drop-in peers, 200 B frames from one to another", report.dropin, [
      ["way", (row) => (row.way === "carry" ? "carried by two sidecars" : "direct WebSocket")],
      ["offered/s", (row) => (row.offered_per_s === 0 ? "saturation" : grouped(row.offered_per_s))],
      ["frames/s", (row) => grouped(row.frames_per_s)],
      ["±", (row) => `${Math.round(50 * row.spread)}%`],
      ["CPU µs/frame", (row) => row.cpu_us_per_frame.toFixed(1)],
      ["p50 µs", (row) => row.p50_us],
      ["p99 µs", (row) => row.p99_us],
      ["lost", (row) => row.lost],
    ]),
    ...relayTables(report.relay ?? []),
    ...clientTables(report.clients ?? []),
    ...table("Interest: rooms joined by ten servers, known to every sidecar", report.interest, [
      ["system", title],
      ["rooms", (entry) => grouped(entry.rooms)],
      ["largest sidecar, MiB", (entry) => entry.largest_resident_mib],
      ["before, MiB", (entry) => entry.idle_resident_mib],
      ["joins/s", (entry) => grouped(entry.joins_per_s)],
      ["sidecars' CPU µs a join", (entry) => entry.sidecar_cpu_us_per_join],
      ["bytes on the wire a room", (entry) => entry.wire_bytes_per_room],
    ]),
    ...table("As many connections as this machine takes, and a message to all of them", report.seed, [
      ["system", title],
      ["servers", (entry) => entry.servers],
      ["connections", (entry) => grouped(entry.connections)],
      ["connects/s", (entry) => grouped(entry.connects_per_s)],
      ["p50 ms", (entry) => entry.p50_ms],
      ["p99 ms", (entry) => entry.p99_ms],
      ["lost", (entry) => entry.lost],
      ["KiB a client", (entry) => entry.server_kib_per_client],
      ["limit", (entry) => entry.limit],
    ]),
    ...table("At scale, simulated: one sidecar of n", report.scale, [
      ["n", (entry) => (entry.extrapolated ? `${entry.sidecars} (extrapolated)` : entry.sidecars)],
      ["links", (entry) => entry.links],
      ["all start: together in ms", (entry) => entry.start_ms],
      ["bytes it writes", (entry) => grouped(entry.start_bytes)],
      ["memory, KiB", (entry) => grouped(entry.resident_kib)],
      ["at rest, B/s", (entry) => grouped(entry.rest_bytes_per_s)],
      ["join, bytes", (entry) => entry.join_bytes],
      ["newcomer, ms", (entry) => entry.newcomer_ms],
      ["app killed, ms", (entry) => entry.death_ms],
      ["machine silent, ms", (entry) => entry.silence_ms],
    ]),
  ];
}

function relayTables(rows) {
  const shapes = [...new Set(rows.map((row) => `${row.publishers}→${row.subscribers}`))];
  return shapes.flatMap((shape) =>
    table(
      `Relay alone, ${shape}, ${rows[0].bytes} B`,
      rows.filter((row) => `${row.publishers}→${row.subscribers}` === shape),
      [
        ["relay", (row) => relayTitles[row.system]],
        ["deliveries/s", (row) => grouped(row.deliveries_per_s)],
        ["deliveries a CPU second", (row) => grouped(row.deliveries_per_cpu_s)],
        ["±", (row) => `${Math.round(50 * row.spread)}%`],
        ["CPU µs a delivery", (row) => row.cpu_us_per_delivery],
        ["lost", (row) => row.lost],
      ],
    ),
  );
}

function clientTables(rows) {
  const scenarios = [...new Set(rows.map((row) => `${row.connections}/${row.offered_per_s}`))];
  return scenarios.flatMap((scenario) => {
    const these = rows.filter((row) => `${row.connections}/${row.offered_per_s}` === scenario);
    const [{ connections, offered_per_s, servers, bytes }] = these;
    const pace =
      offered_per_s === 0 ? "pushed" : `${grouped(offered_per_s)} deliveries/s offered`;
    return table(
      `${grouped(connections)} WebSocket clients on ${servers} servers, ${bytes} B, ${pace}`,
      these,
      [
        ["system", title],
        ["deliveries/s", (row) => grouped(row.deliveries_per_s)],
        ["±", (row) => `${Math.round(50 * row.spread)}%`],
        ["CPU µs a delivery", (row) => row.cpu_us_per_delivery],
        ["p50 ms", (row) => row.p50_ms],
        ["p99 ms", (row) => row.p99_ms],
        ["p99.9 ms", (row) => row.p999_ms],
        ["lost", (row) => row.lost],
      ],
    );
  });
}

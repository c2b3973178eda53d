// Which plots the page has, and of what: sections of [{title, text, plots: [html]}]; one without its
// figures is left out.
import { relayTitles } from "../suites/relay.mjs";
import { systemNamed } from "../systems/index.mjs";
import { bars, escaped, lines, ranges } from "./plots.mjs";

const kColours = {
  socketmesh: "own",
  "socketmesh-mtls": "mtls",
  "socketmesh-recovery": "recovery",
  "socketmesh-mesh": "mtls",
  "redis-sharded": "sharded",
  redis: "redis",
  "redis-streams": "streams",
  cluster: "cluster",
  postgres: "postgres",
  nats: "postgres",
};
const kOrder = Object.keys(kColours);

const colour = (entry) => kColours[entry.system] ?? "cluster";
const title = (entry) => relayTitles[entry.system] ?? systemNamed(entry.system).title;
const shortTitle = (entry) => systemNamed(entry.system).title.replace(/ \((ioredis|node-redis|Node IPC)\)/, "");
const inOrder = (entries) =>
  [...entries].sort((one, other) => kOrder.indexOf(one.system) - kOrder.indexOf(other.system));

function figure(heading, plot, caption = "") {
  const note = caption ? `<figcaption>${escaped(caption)}</figcaption>` : "";
  return `<figure class="card"><h3>${escaped(heading)}</h3>${plot}${note}</figure>`;
}

export function sections(report) {
  return [adapter(report), receivers(report), clients(report), relay(report), scale(report)].filter(
    ({ plots }) => plots.length > 0,
  );
}

function rowsOf(report, wanted) {
  const base = { suite: "adapter", servers: 3, holders: 3, publishers: 1, bytes: 128, ...wanted };
  return inOrder(
    report.rows.filter((row) =>
      Object.entries(base).every(([key, value]) => (row[key] ?? 1) === value),
    ),
  );
}

function adapter(report) {
  const plots = [];
  const saturation = rowsOf(report, { offered_per_s: 0 });
  if (saturation.length > 0) {
    plots.push(
      figure(
        "Sustained without loss, 1→3, all hold the room, 128 B",
        bars(
          saturation.map((row) => ({
            name: shortTitle(row),
            colour: colour(row),
            parts: [{ value: row.sustained_per_s }],
            note: row.lost > 0 ? `(${row.lost} lost)` : "",
          })),
          { unit: "emits/s", label: "emits a second by system" },
        ),
        "Emits a second; longer is better. Each emit reaches three other servers.",
      ),
    );
  }
  const shapes = [
    [3, "all hold the room"],
    [1, "one of three holds it"],
  ].map(([holders, who]) => [rowsOf(report, { holders, offered_per_s: 12_000 }), who]);
  plots.push(...shapes.flatMap(cpuPlot), ...shapes.flatMap(latencyPlot));
  return {
    title: "Between servers",
    text: "One server publishes, others receive: real Socket.IO servers and adapters, a process each, no clients.",
    plots,
  };
}

function cpuPlot([rows, who]) {
  if (rows.length === 0) return [];
  const entries = rows.map((row) => ({
    name: shortTitle(row),
    colour: colour(row),
    parts: Object.entries(row.cpu_us_by_role).map(([label, value]) => ({ label, value })),
    note: row.lost > 0 ? `(${row.lost} lost)` : "",
  }));
  return [
    figure(
      `CPU an emit at 12,000/s, ${who}`,
      bars(entries, { unit: "µs", label: "CPU by system and role" }),
      "Microseconds; shorter is better. From the left: publisher, receivers, then sidecars or the broker.",
    ),
  ];
}

function latencyPlot([rows, who]) {
  if (rows.length === 0) return [];
  const entries = rows.map((row) => ({
    name: shortTitle(row),
    colour: colour(row),
    points: latencies(row),
  }));
  return [
    figure(
      `Latency at 12,000/s, ${who}`,
      ranges(entries, { label: "latency by system" }),
      "Filled: median; ring: p99; dashed ring: p99.9. Logarithmic.",
    ),
  ];
}

function latencies({ p50_ms, p99_ms, p999_ms }) {
  return [
    { label: "median", value: p50_ms },
    { label: "p99", value: p99_ms },
    { label: "p99.9", value: p999_ms },
  ].filter(({ value }) => value > 0);
}

function receivers(report) {
  const counts = [3, 7, 15];
  const series = (key) =>
    inOrder(
      [...new Set(report.rows.map((row) => row.system))].map((system) => ({ system })),
    ).flatMap(({ system }) => {
      const points = counts.flatMap((servers) => {
        const [row] = rowsOf(report, { servers, holders: servers, offered_per_s: 1200 }).filter(
          (each) => each.system === system,
        );
        return row ? [[servers, row[key]]] : [];
      });
      return points.length > 1
        ? [{ name: shortTitle({ system }), colour: kColours[system] ?? "cluster", points }]
        : [];
    });
  const plots = [
    ["publisher_cpu_us_per_emit", "Publisher's Node CPU an emit"],
    ["cpu_us_per_emit", "CPU an emit, all processes"],
  ].flatMap(([key, heading]) => {
    const found = series(key);
    if (found.length === 0) return [];
    const label = `${heading} by receiving servers`;
    return [figure(`${heading}, 1,200/s`, lines(found, { unit: "µs", xUnit: "receiving servers", label }))];
  });
  return {
    title: "By the number of servers",
    text: "The app hands each message to its sidecar once: what its process pays does not depend on how many servers there are.",
    plots,
  };
}

function clients(report) {
  const plots = [];
  for (const connections of [...new Set((report.clients ?? []).map((row) => row.connections))]) {
    const rows = (offered) =>
      inOrder(
        report.clients.filter(
          (row) => row.connections === connections && (row.offered_per_s === 0) === (offered === 0),
        ),
      );
    const many = connections.toLocaleString("en-US");
    plots.push(
      figure(
        `${many} clients, pushed`,
        bars(
          rows(0).map((row) => ({
            name: shortTitle(row),
            colour: colour(row),
            parts: [{ value: row.deliveries_per_s }],
          })),
          { unit: "deliveries/s", label: "deliveries a second to clients" },
        ),
        "Deliveries a second; longer is better.",
      ),
      figure(
        `${many} clients, 30,000 deliveries/s: latency`,
        ranges(
          rows(1).map((row) => ({ name: shortTitle(row), colour: colour(row), points: latencies(row) })),
          { label: "latency to clients" },
        ),
        "From the time at which the emit was due. Filled: median; ring: p99; dashed ring: p99.9.",
      ),
    );
  }
  return {
    title: "With clients",
    text: "Three servers and real WebSocket clients, all in one room. Most of what a delivery costs is Node writing to its clients, the same for every adapter.",
    plots,
  };
}

function relay(report) {
  const rows = inOrder(report.relay ?? []);
  const shapes = [...new Set(rows.map((row) => `${row.publishers}→${row.subscribers}`))];
  const plots = shapes.map((shape) =>
    figure(
      `${shape}, 128 B`,
      bars(
        rows
          .filter((row) => `${row.publishers}→${row.subscribers}` === shape)
          .map((row) => ({
            name: title(row),
            colour: colour(row),
            parts: [{ value: row.deliveries_per_cpu_s }],
            note: row.lost > 0 ? `(${row.lost} lost)` : "",
          })),
        { unit: "deliveries a CPU second", label: "deliveries a CPU second" },
      ),
      "Deliveries a CPU second; longer is better.",
    ),
  );
  return {
    title: "The relay alone",
    text: "A load generator in C++ on the sidecar's app socket and on nats-server. What counts is the relay's own CPU. nats-server keeps nothing and waits for no acknowledgement; a sidecar does both.",
    plots,
  };
}

function scale(report) {
  const entries = (report.scale ?? []).filter(({ extrapolated }) => !extrapolated);
  if (entries.length < 2) return { title: "At scale", text: "", plots: [] };
  const plot = (key, heading, unit) =>
    figure(
      heading,
      lines([{ name: "one sidecar", colour: "own", points: entries.map((each) => [each.sidecars, each[key]]) }], {
        unit,
        xUnit: "sidecars in the mesh",
        label: heading,
      }),
    );
  return {
    title: "At scale, simulated",
    text: "The real core in virtual time: what one sidecar pays for a mesh of so many. docs/adr/0010-full-mesh.md draws the conclusions.",
    plots: [
      plot("resident_kib", "Memory for links, at most", "KiB"),
      plot("rest_bytes_per_s", "Written at rest", "B/s"),
      plot("join_bytes", "Written for one room joined", "bytes"),
    ],
  };
}

// The dashboard: follows the sidecar's events and keeps the page up to date.
import { bytes, count, duration, plural, reasons, roundTrip, total } from "./format.js";
import { Feed, History, Rates, security, verdict } from "./model.js";
import { Sparkline } from "./sparkline.js";
import { Table, element, setText } from "./tables.js";
import { Topology } from "./topology.js";

const byId = (id) => document.getElementById(id);
const perSecond = (value) => (value === null ? "–" : `${count(value)}/s`);
const bytesPerSecond = (value) => (value === null ? "–" : `${bytes(value)}/s`);

// ---- tiles: figures(sample, status) → [text, caption] pairs, series → numbers to draw

const tiles = [
  {
    title: "Messages of the apps here", floor: 10, colours: true,
    figures: (s) => [[perSecond(s.in), "published"], [perSecond(s.out), "delivered"]],
    series: [(s) => s.in, (s) => s.out],
    note: (_, status) => `${total(status.counters.app_messages_in)} published, ${total(status.counters.app_messages_out)} delivered`,
  },
  {
    title: "Link traffic", floor: 1024, colours: true,
    figures: (s) => [[bytesPerSecond(s.linkOut), "out"], [bytesPerSecond(s.linkIn), "in"]],
    series: [(s) => s.linkOut, (s) => s.linkIn],
    note: (s) => (s.batch === null ? "no records just now" : `${count(s.batch)} messages a record`),
  },
  {
    title: "Round trip to peers", floor: 500, colours: true,
    figures: (s) => [[roundTrip(s.link.p50), "median"], [roundTrip(s.link.max), "slowest"]],
    series: [(s) => s.link.p50, (s) => s.link.max],
    note: (s) => `${bytes(s.window)} kept until taken`,
  },
  {
    title: "Round trip to members", floor: 1000, colours: true,
    figures: (s) => [[roundTrip(s.member.p50), "median"], [roundTrip(s.member.max), "slowest"]],
    series: [(s) => s.member.p50, (s) => s.member.max],
    note: () => "their event loop included",
  },
  {
    title: "Interest in rooms", floor: 10, colours: true,
    figures: (s) => [[count(s.interest[0]), "here"], [count(s.interest[1]), "of peers"]],
    series: [(s) => s.interest[0], (s) => s.interest[1]],
    note: (_, status) => `${total(status.counters.messages_unrouted)} publishes nobody wanted`,
  },
  {
    title: "Lost messages", floor: 1,
    figures: (s, status) => (s.lost === 0 ? [["0", "since start"]]
      : [[total(s.lost), "since start"], [total(status.counters.gaps_declared), "gaps declared"]]),
    series: [(s, i, all) => increase(all, i)],
    note: (s, status) => (s.lost === 0 ? "nothing dropped, no gaps" : reasons(status.counters.drops)),
    level: (s) => (history.lostLately() > 0 ? "bad" : s.lost === 0 ? "calm" : ""),
  },
];

const recoveryTile = {
  title: "Recovery", floor: 10,
  figures: (s, status) => [[count(status.recovery.sessions), "sessions kept"], [count(status.recovery.away), "away"]],
  series: [(s) => s.sessions],
  note: (_, status) => `${total(status.counters.sessions_recovered)} recovered, ${total(refused(status))} refused, ${bytes(status.recovery.log_bytes)} of log`,
};

// Shown where recovery.replicas is not 0. The line stops where nothing was to be copied.
const copiesTile = {
  title: "Copies for killed pods", floor: 2000,
  figures: (s, status) => [
    [`${status.recovery.copies_whole} of ${wantedCopies(status)}`, "copies at peers"],
    [s.lag === Infinity ? "over 1 s" : roundTrip(s.lag), "lag, p99"],
  ],
  series: [(s) => (s.lag === Infinity ? 1e6 : s.lag)],
  note: (_, status) => {
    const { whole, gap } = status.counters.takeovers;
    const shed = status.counters.copies_shed;
    return `${total(status.recovery.held_sessions)} held for peers, ${total(whole + gap)} taken over` +
      (shed > 0 ? `, ${total(shed)} shed` : "");
  },
  level: (_, status) => (status.recovery.copies_whole < wantedCopies(status) ? "warn" : ""),
};

// As many as there can be: no peer has two copies of one home.
function wantedCopies({ recovery, links }) {
  const linked = links.filter((link) => link.state === "linked").length;
  return recovery.homes * Math.min(recovery.replicas, linked);
}

function refused(status) {
  return Object.values(status.counters.sessions_refused).reduce((sum, one) => sum + one, 0);
}

function increase(all, i) {
  const before = all[i - 1];
  return before ? Math.max(0, all[i].lost - before.lost) : 0;
}

function buildTile(tile) {
  tile.figureBox = element("div", { className: "figures" });
  tile.spark = new Sparkline(tile.series.length, tile.floor);
  tile.noteBox = element("p", { className: "note" });
  tile.box = element("div", { className: "card tile" }, element("h2", {}, tile.title), tile.figureBox,
    tile.spark.element, tile.noteBox);
  byId("tiles").append(tile.box);
}

// One that not every sidecar has.
function showTile(tile) {
  if (tiles.includes(tile)) return;
  tiles.push(tile);
  buildTile(tile);
}

function updateTile(tile, status) {
  const figures = tile.figures(history.last, status);
  while (tile.figureBox.childElementCount > figures.length) tile.figureBox.lastChild.remove();
  figures.forEach(([text, caption], i) => {
    let box = tile.figureBox.children[i];
    if (!box) {
      box = element("span", { className: "figure" }, element("span"), element("small"));
      tile.figureBox.append(box);
    }
    box.className = `figure ${tile.colours ? ["first", "second"][i] : ""}`;
    setText(box.children[0], text);
    setText(box.children[1], caption);
  });
  setText(tile.noteBox, tile.note(history.last, status));
  tile.noteBox.title = tile.noteBox.textContent;
  tile.box.dataset.level = tile.level?.(history.last, status) ?? "";
  drawTile(tile);
}

function drawTile(tile) {
  const all = history.samples;
  tile.spark.draw(tile.series.map((pick) => all.map((s, i) => (s === null ? null : pick(s, i, all)))));
}

// ---- tables

const toneOfLink = { linked: "good", connecting: "warn", parked: "bad" };
const toneOfAddress = { linked: "good", self: "muted", dialing: "warn", waiting: "warn" };
const rateOf = (row, key) => (row.rate ? perSecond(row.rate[key]) : "–");

const tables = {
  members: new Table({
    title: "Members", none: "No app server is attached to the mesh.", key: (m) => m.id,
    columns: [
      { title: "Name", text: (m) => m.name, tone: () => "strong" },
      { title: "Sidecar", text: (m) => (m.local ? "this one" : m.sidecar), tone: (m) => (m.local ? "" : "muted") },
      { title: "State", text: (m) => (m.up ? "up" : "awaited"), tone: (m) => (m.up ? "good" : "bad") },
      { title: "Namespaces", text: (m) => m.namespaces.join(" ") },
      { title: "Rooms", number: true, text: (m) => (m.local ? count(m.rooms) : "") },
      { title: "Published", number: true, text: (m) => (m.local ? rateOf(m, "messages_in") : "") },
      { title: "Delivered", number: true, text: (m) => (m.local ? rateOf(m, "messages_out") : "") },
      { title: "Queue", number: true, text: (m) => (m.local ? bytes(m.queue_bytes) : ""), tone: (m) => (m.queue_bytes > 1 << 20 ? "warn" : "") },
      { title: "Not taken", number: true, text: (m) => (m.local ? count(m.untaken) : "") },
      { title: "Round trip", number: true, text: (m) => (m.local ? roundTrip(m.round_trip_us) : "") },
      { title: "Id", text: (m) => m.id, tone: () => "muted" },
    ],
  }),
  links: new Table({
    title: "Links", none: "No peers yet.", key: (l) => l.peer,
    columns: [
      { title: "Peer", text: (l) => l.peer, tone: () => "strong" },
      { title: "Address", text: (l) => l.address, tone: () => "muted" },
      { title: "State", text: (l) => (l.state === "parked" ? "away" : l.state), tone: (l) => toneOfLink[l.state] ?? "" },
      { title: "For", text: (l) => duration(l.since_us) },
      { title: "Members", number: true, text: (l) => l.members },
      { title: "Interest", number: true, text: (l) => count(l.interest) },
      { title: "Out", number: true, text: (l) => rateOf(l, "messages_out") },
      { title: "In", number: true, text: (l) => rateOf(l, "messages_in") },
      { title: "Round trip", number: true, text: (l) => roundTrip(l.round_trip_us) },
      { title: "Window", number: true, text: (l) => bytes(l.window_bytes) },
      { title: "Backlog", number: true, text: (l) => bytes(l.backlog_bytes), tone: (l) => (l.backlog_bytes > 1 << 20 ? "warn" : "") },
      { title: "Resent", number: true, text: (l) => count(l.retransmits) },
      { title: "Reconnects", number: true, text: (l) => count(l.reconnects) },
      { title: "Dropped", number: true, text: (l) => count(l.dropped), tone: (l) => (l.dropped > 0 ? "bad" : "") },
    ],
  }),
  addresses: new Table({
    title: "Addresses from discovery", width: "medium", none: "Discovery lists no address.", key: (a) => a.address,
    columns: [
      { title: "Address", text: (a) => a.address, tone: () => "strong" },
      { title: "State", text: (a) => (a.state === "self" ? "this sidecar" : a.state), tone: (a) => toneOfAddress[a.state] ?? "" },
      { title: "Sidecar", text: (a) => a.peer || "–" },
      { title: "Last error", wrap: true, text: (a) => a.last_error || "none", tone: (a) => (a.last_error && a.state !== "linked" ? "bad" : "muted") },
    ],
  }),
  namespaces: new Table({
    title: "Namespaces", width: "narrow", none: "No namespace is open.", key: (n) => n.name,
    columns: [
      { title: "Namespace", text: (n) => n.name, tone: () => "strong" },
      { title: "Members", number: true, text: (n) => n.members },
    ],
  }),
  dropInServers: new Table({
    title: "Drop-in servers", none: "No app on socket.io-mesh-adapter is registered.",
    key: (s) => `${s.sidecar} ${s.id}`,
    columns: [
      { title: "Server", text: (s) => s.id, tone: () => "strong" },
      { title: "Version", text: (s) => `v${s.version}` },
      { title: "Sidecar", text: (s) => s.sidecar || "this one", tone: (s) => (s.sidecar ? "muted" : "") },
      { title: "Address", text: (s) => s.address },
      { title: "State", text: (s) => stateOfServer(s), tone: (s) => (s.attached ? "good" : "warn") },
    ],
  }),
  dropInTunnels: new Table({
    title: "Drop-in tunnels", none: "No connection is carried.",
    key: (t) => `${t.peer} ${t.number}`,
    columns: [
      { title: "Server", text: (t) => t.server, tone: () => "strong" },
      { title: "Peer", text: (t) => t.peer, tone: () => "muted" },
      { title: "Dialled", text: (t) => (t.opened_here ? "here" : "there") },
      { title: "State", text: (t) => (t.open ? "open" : "opening"), tone: (t) => (t.open ? "good" : "warn") },
      { title: "Waiting", number: true, text: (t) => bytes(t.waiting_bytes) },
    ],
  }),
};

// A v1 app whose sidecar was restarted lives, and hears of no new server.
function stateOfServer({ attached, sidecar, version }) {
  if (attached) return "registered";
  if (sidecar) return "sidecar away";
  return version === 1 ? "needs a restart" : "expected back";
}

function updateTables(status, rates) {
  const members = status.members.map((m) => ({ ...m, rate: rates?.members.get(m.id) }));
  members.sort((a, b) => b.local - a.local || (a.name < b.name ? -1 : 1));
  tables.members.update(members);
  tables.links.update(status.links.map((l) => ({ ...l, rate: rates?.links.get(l.peer) })));
  tables.addresses.update(status.addresses);
  tables.namespaces.update(status.namespaces);
  for (const table of [tables.dropInServers, tables.dropInTunnels]) table.element.hidden = !status.dropin;
  tables.dropInServers.update(status.dropin?.servers ?? []);
  tables.dropInTunnels.update(status.dropin?.tunnels ?? []);
}

// ---- the page

const history = new History();
const rates = new Rates();
const topology = new Topology(byId("topology"));
tiles.forEach(buildTile);
byId("tables").append(...Object.values(tables).map((table) => table.element));

function setVerdict({ level, text }) {
  byId("verdict").dataset.level = level;
  setText(byId("verdict"), text); // a live region: written only when it changed
}

function updateSecurity(tls) {
  const box = byId("security");
  const { text, level, detail } = security(tls, Date.now());
  setText(box, text);
  box.dataset.level = level;
  box.title = detail;
}

function onStatus(status) {
  const now = rates.take(status);
  history.add(status, now);
  document.body.dataset.feed = "live";
  document.title = `${status.mesh} · ${status.sidecar_id}`;
  setText(byId("feed-text"), "live");
  setText(byId("mesh"), status.mesh);
  setText(byId("sidecar"), status.sidecar_id);
  setText(byId("uptime"), duration(status.uptime_us));
  updateSecurity(status.tls);
  setText(byId("version"), `v${status.version}`);
  setVerdict(verdict(status, history.lostLately()));
  topology.update(status, now);
  if (status.recovery) showTile(recoveryTile);
  if (status.recovery?.replicas > 0) showTile(copiesTile);
  tiles.forEach((tile) => updateTile(tile, status));
  updateTables(status, now);
  const cpu = now ? `${(now.cpu * 100).toFixed(1)} % CPU, ` : "";
  setText(byId("process"), `${cpu}${bytes(status.process.resident_bytes)} resident, ` +
    `${plural(status.process.open_files, "open file")}, pid ${status.process.pid}`);
}

function onGone(seconds) {
  history.addGap();
  document.body.dataset.feed = "gone";
  setText(byId("feed-text"), `no answer for ${Math.round(seconds)} s`);
  setVerdict({ level: "bad", text: "The sidecar does not answer. What is shown is its last known state; reconnecting…" });
  topology.pause();
  tiles.forEach(drawTile);
}

function setTheme(theme) {
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem("socketmesh-theme", theme);
  } catch {
    // Storage may be blocked; the choice then lasts as long as the page.
  }
}

byId("theme").addEventListener("click", () => {
  const chosen = document.documentElement.dataset.theme;
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  setTheme(dark ? "light" : "dark");
});
try {
  const stored = localStorage.getItem("socketmesh-theme");
  if (stored) setTheme(stored);
} catch {
  // As above.
}

new Feed(onStatus, onGone);

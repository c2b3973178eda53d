// Where the figures come from, and what follows from them: the feed, rates, history, the verdict.
import { duration, plural } from "./format.js";

export const kHistorySeconds = 120;
const kSilenceMs = 3500; // the sidecar sends an event each second
const kRetryMs = 1000;

// Follows /events. Calls onStatus(status) for each event, and onGone(seconds) each second while the
// sidecar does not answer. Reconnects for ever.
export class Feed {
  constructor(onStatus, onGone) {
    this.onStatus = onStatus;
    this.onGone = onGone;
    this.lastMs = performance.now();
    this.openedMs = -Infinity;
    setInterval(() => this.watch(), kRetryMs);
    this.open();
  }

  open() {
    this.source?.close();
    this.openedMs = performance.now();
    this.source = new EventSource("events");
    this.source.onmessage = (event) => {
      this.lastMs = performance.now();
      this.onStatus(JSON.parse(event.data));
    };
  }

  watch() {
    const now = performance.now();
    const silentMs = now - this.lastMs;
    if (silentMs < kSilenceMs && this.source.readyState === EventSource.OPEN) return;
    if (silentMs >= kRetryMs * 1.5) this.onGone(silentMs / 1000);
    const connecting = this.source.readyState === EventSource.CONNECTING;
    if (now - this.openedMs >= (connecting ? kSilenceMs : kRetryMs)) this.open();
  }
}

function sum(list, key) {
  return list.reduce((so_far, item) => so_far + (item[key] ?? 0), 0);
}

function median(values) {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function roundTrips(list) {
  const known = list.map((item) => item.round_trip_us).filter((us) => us >= 0);
  return { p50: median(known), max: known.length ? Math.max(...known) : null };
}

// The share `of` of a histogram's new counts, by upper bounds: the bound below which it lies; null
// without new ones, Infinity above the last bound.
export function quantile(counts, before, of) {
  const fresh = Object.entries(counts).map(([bound, number]) => [bound, number - before[bound]]);
  const all = fresh.reduce((total, [, number]) => total + number, 0);
  let below = 0;
  for (const [bound, number] of fresh) {
    below += number;
    if (all > 0 && below >= of * all) return bound === "more" ? Infinity : Number(bound);
  }
  return null;
}

// Rates between two pictures of the same life of a sidecar; null across a restart.
export class Rates {
  take(status) {
    const before = this.before;
    this.before = status;
    if (!before || before.epoch !== status.epoch || before.uptime_us >= status.uptime_us) return null;
    const seconds = (status.uptime_us - before.uptime_us) / 1e6;
    const rate = (now, then) => Math.max(0, now - then) / seconds;
    const counters = {};
    for (const [name, value] of Object.entries(status.counters)) {
      if (typeof value === "number") counters[name] = rate(value, before.counters[name]);
    }
    const byKey = (list, old, key, fields) => {
      const known = new Map(old.map((item) => [item[key], item]));
      return new Map(list.map((item) => {
        const then = known.get(item[key]) ?? item;
        return [item[key], Object.fromEntries(fields.map((f) => [f, rate(item[f] ?? 0, then[f] ?? 0)]))];
      }));
    };
    const links = byKey(status.links, before.links, "peer",
      ["messages_in", "messages_out", "bytes_in", "bytes_out"]);
    const members = byKey(status.members, before.members, "id", ["messages_in", "messages_out"]);
    const lag = quantile(status.counters.copy_lag_us, before.counters.copy_lag_us, 0.99);
    const cpu = rate(status.process.cpu_seconds, before.process.cpu_seconds);
    return { counters, links, members, lag, cpu };
  }
}

function lost(counters) {
  return Object.values(counters.drops).reduce((a, b) => a + b, 0);
}

// The last two minutes, a sample a second. A null is a second without an answer.
export class History {
  constructor() {
    this.samples = [];
  }

  add(status, rates) {
    const links = status.links.filter((link) => link.state === "linked");
    this.push({
      in: rates?.counters.app_messages_in ?? null,
      out: rates?.counters.app_messages_out ?? null,
      linkIn: rates?.counters.link_bytes_in ?? null,
      linkOut: rates?.counters.link_bytes_out ?? null,
      batch: rates && rates.counters.link_records_out > 0
        ? rates.counters.link_messages_out / rates.counters.link_records_out : null,
      link: roundTrips(links),
      member: roundTrips(status.members.filter((member) => member.local)),
      interest: [status.interest_local, status.interest_remote],
      sessions: status.recovery?.sessions ?? 0,
      lag: rates?.lag ?? null,
      lost: lost(status.counters),
      cpu: rates?.cpu ?? null,
      resident: status.process.resident_bytes,
      window: sum(status.links, "window_bytes"),
    });
  }

  addGap() {
    this.push(null);
  }

  push(sample) {
    this.samples.push(sample);
    if (this.samples.length > kHistorySeconds) this.samples.shift();
  }

  get last() {
    return this.samples.at(-1);
  }

  series(pick) {
    return this.samples.map((sample) => (sample === null ? null : pick(sample)));
  }

  // How much was lost within the two minutes; 0 across a restart.
  lostLately() {
    const known = this.samples.filter((sample) => sample !== null);
    return known.length ? Math.max(0, known.at(-1).lost - known[0].lost) : 0;
  }
}

// How links are secured: `tls` of the status, and the milliseconds of now.
export function security(tls, now) {
  if (!tls) return { level: "", text: "plain links, loopback only", detail: "" };
  const left = tls.leaf_not_after * 1000 - now;
  const until = new Date(tls.leaf_not_after * 1000).toISOString();
  if (left <= 0) return { level: "bad", text: "links by mTLS, certificate ended", detail: `It ended at ${until}.` };
  if (tls.problem) return { level: "warn", text: "links by mTLS, new certificate refused", detail: tls.problem };
  return { level: "", text: `links by mTLS, certificate for ${duration(left * 1000)}`, detail: `Until ${until}.` };
}

// One sentence on how the mesh is, and how serious that is: good, warn or bad.
export function verdict(status, lostLately) {
  const up = status.members.filter((member) => member.up);
  const linked = status.links.filter((link) => link.state === "linked");
  const down = status.links.filter((link) => link.state !== "linked");
  const unreached = status.addresses.filter(
    (address) => (address.state === "waiting" || address.state === "dialing") &&
      !status.links.some((link) => link.peer === address.peer));
  const servers = status.dropin?.servers ?? [];
  const dropIn = servers.length > 0 ? ` and ${plural(servers.length, "drop-in server")}` : "";
  const size = `${plural(up.length, "member")}${dropIn} on ${plural(1 + linked.length, "sidecar")}`;

  if (status.leaving) return { level: "warn", text: `Leaving: peers and members were told. ${size}.` };
  if (lostLately > 0) {
    return { level: "bad", text: `${size}; ${plural(lostLately, "message")} lost in the last two minutes.` };
  }
  if (down.length > 0) {
    const names = down.slice(0, 3).map((link) => link.peer).join(", ") + (down.length > 3 ? ", …" : "");
    return { level: "bad", text: `${size}; ${plural(down.length, "link")} down: ${names}.` };
  }
  if (!status.addresses_known) return { level: "warn", text: `${size}; waiting for discovery.` };
  if (unreached.length > 0) {
    const first = unreached[0];
    const why = first.last_error ? ` (${first.last_error})` : "";
    const more = unreached.length > 1 ? ` and ${unreached.length - 1} more` : "";
    return { level: "warn", text: `${size}; ${first.address}${more} not reached${why}.` };
  }
  if (linked.length === 0) return { level: "warn", text: `${size}; no peers yet.` };
  if (status.dropin?.restart_needed > 0) {
    const deaf = plural(status.dropin.restart_needed, "v1 app");
    return { level: "warn", text: `${size}; ${deaf} here must be restarted to see new servers.` };
  }
  if (!status.members.some((member) => member.local) && !servers.some(({ sidecar }) => sidecar === "")) {
    return { level: "warn", text: `${size}, all links up; no app is attached here.` };
  }
  return { level: "good", text: `${size}, all links up.` };
}

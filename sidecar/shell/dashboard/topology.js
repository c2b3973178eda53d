// The mesh as a picture: this sidecar in the middle, its peers around it, each with its members; a
// link's colour is its state, its width and its pulses are its traffic.
import { count, plural, roundTrip } from "./format.js";
import { svg } from "./sparkline.js";

const kMembersDrawn = 12;
const kDetailPeers = 10; // with more peers, labels give way to dots
const kPulsesMax = 120;
const kPulseSeconds = 1.6;

function nodesOf(status) {
  const members = new Map();
  for (const member of status.members) {
    if (!members.has(member.sidecar)) members.set(member.sidecar, []);
    members.get(member.sidecar).push(member);
  }
  const peers = status.links.map((link) => ({
    key: link.peer, title: link.peer, state: link.state, link, members: members.get(link.peer) ?? [],
  }));
  const known = new Set(status.links.map((link) => link.peer));
  for (const address of status.addresses) {
    if (address.state === "self" || address.state === "linked" || known.has(address.peer)) continue;
    peers.push({
      key: address.address, title: address.peer || address.address, state: address.state, link: null,
      members: [], error: address.last_error,
    });
  }
  peers.sort((a, b) => (a.key < b.key ? -1 : 1));
  return { self: { key: "", title: status.sidecar_id, state: "self", members: members.get(status.sidecar_id) ?? [] }, peers };
}

// Few pulses tell much from little: 1/s gives two in three seconds, 100,000/s gives four a second.
function pulsesPerSecond(rate) {
  return rate < 0.05 ? 0 : Math.min(4, 0.45 + 0.7 * Math.log10(1 + rate));
}

// One peer faces this sidecar, two make a triangle with it, more go around it.
function centerOf(peers, { width, height }) {
  if (peers === 1 && width > height) return { x: width * 0.26, y: height / 2, angle: -Math.PI / 2 };
  if (peers === 2) return { x: width / 2, y: height * 0.31, angle: -Math.PI / 2 };
  return { x: width / 2, y: height / 2 - 4, angle: -Math.PI / 2 };
}

function placeOf(index, peers, center, { width, height, inset }) {
  if (peers === 1 && width > height) return { x: width * 0.74, y: height / 2, angle: -Math.PI / 2 };
  if (peers === 2) {
    return { x: width * (index === 0 ? 0.21 : 0.79), y: height * 0.7, angle: -Math.PI / 2 };
  }
  const angle = -Math.PI / 2 + (index * 2 * Math.PI) / peers;
  return {
    x: center.x + Math.cos(angle) * Math.max(70, width / 2 - inset.x),
    y: center.y + Math.sin(angle) * Math.max(70, height / 2 - inset.y),
    angle,
  };
}

class NodeView {
  constructor(radius) {
    this.radius = radius;
    this.body = svg("circle", { class: "body", r: radius });
    this.count = svg("text", { class: "count" });
    this.title = svg("text", { class: "label title" });
    this.detail = svg("text", { class: "label quiet" });
    this.hint = svg("title");
    this.dots = svg("g");
    this.element = svg("g", {}, this.hint, this.dots, this.body, this.count, this.title, this.detail);
  }

  // `named`: with room for the names of members.
  update(node, place, detailed, named = detailed) {
    const { x, y, angle } = place;
    const r = detailed ? this.radius : Math.max(7, this.radius * 0.5);
    this.element.setAttribute("class", `node ${node.state}`);
    this.element.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    this.body.setAttribute("r", r);
    this.count.textContent = detailed ? String(node.members.length) : "";
    this.hint.textContent = `${node.title}: ${node.state}, ${plural(node.members.length, "member")}`;
    this.drawMembers(node.members, r, angle);
    const below = r + 27;
    this.title.setAttribute("y", below);
    this.detail.setAttribute("y", below + 16);
    this.title.textContent = detailed ? shorten(node.title, 24) : "";
    this.detail.textContent = named ? shorten(memberLine(node), 30) : "";
  }

  drawMembers(members, r, angle) {
    const drawn = members.slice(0, kMembersDrawn);
    while (this.dots.childElementCount > drawn.length) this.dots.lastChild.remove();
    while (this.dots.childElementCount < drawn.length) this.dots.append(svg("circle", { r: 5 }));
    const step = Math.min(0.42, 5.2 / Math.max(1, drawn.length));
    drawn.forEach((member, i) => {
      const at = angle + (i - (drawn.length - 1) / 2) * step;
      const dot = this.dots.children[i];
      dot.setAttribute("class", member.up ? "member" : "member away");
      dot.setAttribute("cx", (Math.cos(at) * (r + 9)).toFixed(1));
      dot.setAttribute("cy", (Math.sin(at) * (r + 9)).toFixed(1));
    });
  }
}

function shorten(text, length) {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

function memberLine(node) {
  if (node.error) return node.error;
  if (node.members.length === 0) return node.state === "self" ? "no app attached" : "";
  const more = node.members.length - 1;
  return node.members[0].name + (more > 0 ? ` +${more}` : "");
}

class LinkView {
  constructor() {
    this.line = svg("line");
    this.traffic = svg("text", { class: "label" });
    this.delay = svg("text", { class: "label quiet" });
    this.pulses = svg("g");
    this.element = svg("g", {}, this.line, this.pulses);
    this.plate = svg("rect", { class: "plate", rx: 8 });
    this.labels = svg("g", {}, this.plate, this.traffic, this.delay);
    this.due = { in: Math.random(), out: Math.random() };
    this.rate = { in: 0, out: 0 };
  }

  update(node, from, to, rates, { detailed, part }) {
    this.from = from;
    this.to = to;
    const linked = node.state === "linked";
    this.rate = linked && rates ? { in: rates.messages_in, out: rates.messages_out } : { in: 0, out: 0 };
    const traffic = this.rate.in + this.rate.out;
    this.element.setAttribute("class", `link ${node.state}`);
    for (const [name, value] of [["x1", from.x], ["y1", from.y], ["x2", to.x], ["y2", to.y]]) {
      this.line.setAttribute(name, value.toFixed(1));
    }
    this.line.setAttribute("stroke-width", (1.6 + Math.min(4.4, Math.log10(1 + traffic))).toFixed(1));
    this.write(node, traffic, detailed, part);
  }

  write(node, traffic, detailed, part) {
    let lines = [];
    if (detailed && node.link) {
      if (node.state === "parked") lines = ["away"];
      else if (node.state !== "linked") lines = [node.state];
      else lines = [traffic < 0.05 ? "idle" : `${count(traffic)}/s`, roundTrip(node.link.round_trip_us)];
    }
    const x = this.from.x + (this.to.x - this.from.x) * part;
    const y = this.from.y + (this.to.y - this.from.y) * part;
    const width = 14 + 7 * Math.max(0, ...lines.map((line) => line.length));
    const height = lines.length * 16 + 6;
    [this.traffic, this.delay].forEach((text, i) => {
      text.textContent = lines[i] ?? "";
      text.setAttribute("x", x.toFixed(1));
      text.setAttribute("y", (y - height / 2 + 15 + i * 16).toFixed(1));
    });
    this.plate.setAttribute("visibility", lines.length ? "visible" : "hidden");
    for (const [name, value] of [["x", x - width / 2], ["y", y - height / 2], ["width", width], ["height", height]]) {
      this.plate.setAttribute(name, value.toFixed(1));
    }
  }

  // Starts and moves pulses; returns how many are on their way.
  animate(seconds, room) {
    for (const way of ["in", "out"]) {
      this.due[way] += seconds * pulsesPerSecond(this.rate[way]);
      if (this.due[way] < 1) continue;
      this.due[way] %= 1;
      if (room <= 0) continue;
      const pulse = svg("circle", { class: `pulse ${way}`, r: 2.8 });
      pulse.way = way;
      pulse.progress = 0;
      this.pulses.append(pulse);
    }
    for (const pulse of [...this.pulses.children]) {
      pulse.progress += seconds / kPulseSeconds;
      if (pulse.progress >= 1) {
        pulse.remove();
        continue;
      }
      const part = pulse.way === "out" ? pulse.progress : 1 - pulse.progress;
      const shift = pulse.way === "out" ? 3 : -3; // each direction keeps to its side
      const dx = this.to.x - this.from.x;
      const dy = this.to.y - this.from.y;
      const length = Math.hypot(dx, dy) || 1;
      pulse.setAttribute("cx", (this.from.x + dx * part - (dy / length) * shift).toFixed(1));
      pulse.setAttribute("cy", (this.from.y + dy * part + (dx / length) * shift).toFixed(1));
      pulse.setAttribute("opacity", Math.min(1, 5 * Math.min(pulse.progress, 1 - pulse.progress)).toFixed(2));
    }
    return this.pulses.childElementCount;
  }
}

export class Topology {
  constructor(container) {
    this.container = container;
    this.links = svg("g");
    this.labels = svg("g");
    this.nodes = svg("g");
    this.svg = svg("svg", { role: "img" }, this.links, this.labels, this.nodes);
    this.views = new Map();
    this.self = new NodeView(30);
    this.nodes.append(this.self.element);
    container.append(this.svg);
    this.still = matchMedia("(prefers-reduced-motion: reduce)");
    new ResizeObserver(() => this.redraw()).observe(container);
    requestAnimationFrame((now) => this.frame(now));
  }

  update(status, rates) {
    this.picture = { nodes: nodesOf(status), rates };
    this.redraw();
  }

  // No traffic is shown while the sidecar does not answer.
  pause() {
    for (const view of this.views.values()) view.link.rate = { in: 0, out: 0 };
  }

  redraw() {
    if (!this.picture) return;
    const { nodes, rates } = this.picture;
    const width = this.container.clientWidth;
    const height = this.container.parentElement.clientHeight;
    if (width === 0) return;
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const detailed = nodes.peers.length <= kDetailPeers;
    const frame = { width, height, inset: detailed ? { x: 92, y: 92 } : { x: 44, y: 56 } };
    const center = centerOf(nodes.peers.length, frame);
    this.self.update(nodes.self, center, true, nodes.peers.length <= 2);

    // Words past half way: links run close together near the middle.
    const look = { detailed, part: nodes.peers.length > 2 ? 0.6 : 0.54 };
    const seen = new Set();
    nodes.peers.forEach((node, i) => {
      seen.add(node.key);
      const place = placeOf(i, nodes.peers.length, center, frame);
      const view = this.viewOf(node.key);
      view.node.update(node, place, detailed);
      view.link.update(node, center, place, rates?.links.get(node.key), look);
    });
    for (const [key, view] of this.views) {
      if (seen.has(key)) continue;
      view.node.element.remove();
      view.link.element.remove();
      view.link.labels.remove();
      this.views.delete(key);
    }
    this.svg.setAttribute("aria-label", this.describe(nodes));
  }

  viewOf(key) {
    let view = this.views.get(key);
    if (!view) {
      view = { node: new NodeView(24), link: new LinkView() };
      this.links.append(view.link.element);
      this.labels.append(view.link.labels);
      this.nodes.insertBefore(view.node.element, this.self.element);
      this.views.set(key, view);
    }
    return view;
  }

  describe(nodes) {
    const peers = nodes.peers.map((node) => `${node.title} ${node.state} with ${plural(node.members.length, "member")}`);
    return `This sidecar, ${nodes.self.title}, with ${plural(nodes.self.members.length, "member")}. ` +
      (peers.length ? `Peers: ${peers.join("; ")}.` : "No peers.");
  }

  frame(now) {
    const seconds = Math.min(0.1, (now - (this.frameMs ?? now)) / 1000);
    this.frameMs = now;
    if (!this.still.matches) {
      let room = kPulsesMax;
      for (const view of this.views.values()) room -= view.link.animate(seconds, room);
    }
    requestAnimationFrame((next) => this.frame(next));
  }
}

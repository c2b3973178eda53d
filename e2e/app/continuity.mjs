// What clients that recover are owed: everything, whatever happened to their connections. Every message has
// its sender, the connection that it was sent on, and a number. One that its server has confirmed is owed to
// every client, once; one that was under way when a connection ended may have been lost there, but never
// comes twice. What was sent on one connection comes in its order.

const EXAMPLES = 10;
/** Lives of a receiver that ended so long before a message was said, or began so long after, explain nothing. */
const NEARBY_MS = 2000;

/** As pods log it. */
const clock = (ms) => new Date(ms).toISOString().slice(11, 23);

export class Continuity {
  #got = new Map(); // client -> Map(sender -> [{life, number}])
  #said = new Map(); // sender -> [{life, confirmed, at}], by number
  #journeys = new Map(); // client -> [{recovered, awayMs}]
  #lives = new Map(); // client -> [{arrival, from, until, saw}], of which the n-th is life n
  #saw = new Map(); // client -> the newest message that it got: {sender, number}
  #timer = null;
  #lastReceived = 0;

  /** A connection is there; the first of a client is no return. The caller may add to what it returns. */
  up(name, recovered, now) {
    const lives = this.#of(this.#lives, name);
    const arrival = { recovered, awayMs: lives.length === 0 ? 0 : now - lives.at(-1).until };
    lives.push({ arrival, from: now, until: Infinity });
    this.#of(this.#journeys, name).push(arrival);
    return arrival;
  }

  down(name, now) {
    const life = this.#lives.get(name)?.at(-1);
    if (life === undefined) return;
    life.until = now;
    life.saw = this.#saw.get(name);
  }

  #of(map, key) {
    if (!map.has(key)) map.set(key, []);
    return map.get(key);
  }

  /** The next message of a sender, on its present connection: {text, confirm()}. */
  next(sender, now) {
    const said = this.#of(this.#said, sender);
    const message = { life: this.#of(this.#journeys, sender).length, confirmed: false, at: now };
    const text = `~${sender}~${message.life}~${said.length}`;
    said.push(message);
    return { text, confirm: () => (message.confirmed = true) };
  }

  received(name, text, now) {
    if (typeof text !== "string" || !text.startsWith("~")) return;
    const [sender, life, number] = text.slice(1).split("~");
    if (!this.#got.has(name)) this.#got.set(name, new Map());
    this.#of(this.#got.get(name), sender).push({ life: Number(life), number: Number(number) });
    this.#saw.set(name, { sender, number: Number(number) });
    this.#lastReceived = now;
  }

  /** say(name, text, confirm) sends it; a client that is not connected says nothing. */
  start(names, everyMs, { connected, say }) {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      for (const name of names) {
        if (!connected(name)) continue;
        const { text, confirm } = this.next(name, Date.now());
        say(name, text, confirm);
      }
    }, everyMs);
  }

  /** Ends the traffic, waits until nothing came for quietMs, and accounts. */
  async settle(quietMs) {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#lastReceived = Math.max(this.#lastReceived, Date.now());
    while (Date.now() - this.#lastReceived < quietMs) await new Promise((resolve) => setTimeout(resolve, 50));
    return this.account();
  }

  /** {said, owed, lost, duplicated, misordered, examples, returns: [{name, recovered, awayMs, …}]} */
  account() {
    const total = { said: 0, owed: 0, lost: 0, duplicated: 0, misordered: 0, examples: [] };
    for (const [sender, said] of this.#said) {
      total.said += said.length;
      for (const name of this.#journeys.keys()) {
        const got = this.#got.get(name)?.get(sender) ?? [];
        const seen = new Set(got.map(({ number }) => number));
        total.duplicated += got.length - seen.size;
        got.forEach(({ life, number }, i) => {
          if (i > 0 && got[i - 1].life === life && number < got[i - 1].number) total.misordered += 1;
        });
        said.forEach(({ life, confirmed }, number) => {
          if (!confirmed) return;
          total.owed += 1;
          if (seen.has(number)) return;
          total.lost += 1;
          this.#explain(total.examples, { sender, life, number, to: name }, said);
        });
      }
    }
    for (const example of total.examples) delete example.last;
    const returns = [...this.#journeys].flatMap(([name, journey]) =>
      journey.slice(1).map((each, i) => ({ name, ...each, ...(!each.recovered && { saw: this.#fate(name, i) }) })),
    );
    return { ...total, returns };
  }

  /** What a client had seen last when its n-th connection ended: a session can't go on from what nobody has. */
  #fate(name, n) {
    const { until, saw } = this.#lives.get(name)[n];
    if (saw === undefined) return `nothing before ${clock(until)}`;
    const { sender, number } = saw;
    const { confirmed, at } = this.#said.get(sender)[number];
    const has = (client) => this.#got.get(client)?.get(sender)?.some((each) => each.number === number);
    const heard = [...this.#journeys.keys()].filter(has);
    return `${sender}'s ${number} of ${clock(at)}, ${confirmed ? "confirmed" : "never confirmed"}, before ${clock(until)}; ` +
      `it came to ${heard.join(", ")}`;
  }

  /** Who said it where and when, and where the one was that lacks it; messages in a row are told together. */
  #explain(examples, { sender, life, number, to }, said) {
    const { at } = said[number];
    const before = examples.at(-1);
    if (before?.sender === sender && before.to === to && before.life === life && before.last === number - 1) {
      before.last = number;
      before.numbers = `${before.numbers.split("-")[0]}-${number}`;
      before.said = `${before.said.split(" ")[0]} to ${clock(at)}`;
      return;
    }
    if (examples.length >= EXAMPLES) return;
    const near = ({ from, until }) => from - NEARBY_MS <= at && at <= until + NEARBY_MS;
    const was = this.#of(this.#lives, to).flatMap((each, i) => (near(each) ? [this.#tell(each, i + 1)] : []));
    const from = this.#tell(this.#lives.get(sender)[life - 1], life);
    examples.push({ sender, life, numbers: `${number}`, last: number, said: clock(at), from, to, was });
  }

  #tell({ arrival: { pod, recovered }, from, until }, life) {
    const end = until === Infinity ? "on" : `to ${clock(until)}`;
    return `life ${life}, ${recovered ? "recovered" : "new"}, at ${pod ?? "?"} from ${clock(from)} ${end}`;
  }
}

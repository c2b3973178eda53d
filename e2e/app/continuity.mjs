// What clients that recover are owed: everything, whatever happened to their connections. Every message has
// its sender, the connection that it was sent on, and a number. One that its server has confirmed is owed to
// every client, once; one that was under way when a connection ended may have been lost there, but never
// comes twice. What was sent on one connection comes in its order.

const EXAMPLES = 10;

export class Continuity {
  #got = new Map(); // client -> Map(sender -> [{life, number}])
  #said = new Map(); // sender -> [{life, confirmed}], by number
  #journeys = new Map(); // client -> [{recovered, awayMs}]
  #lost = new Map(); // client -> when its connection ended
  #timer = null;
  #lastReceived = 0;

  /** A connection is there; the first of a client is no return. The caller may add to what it returns. */
  up(name, recovered, now) {
    const journey = this.#of(this.#journeys, name);
    const arrival = { recovered, awayMs: journey.length === 0 ? 0 : now - this.#lost.get(name) };
    journey.push(arrival);
    return arrival;
  }

  down(name, now) {
    this.#lost.set(name, now);
  }

  #of(map, key) {
    if (!map.has(key)) map.set(key, []);
    return map.get(key);
  }

  /** The next message of a sender, on its present connection: {text, confirm()}. */
  next(sender) {
    const said = this.#of(this.#said, sender);
    const message = { life: this.#of(this.#journeys, sender).length, confirmed: false };
    const text = `~${sender}~${message.life}~${said.length}`;
    said.push(message);
    return { text, confirm: () => (message.confirmed = true) };
  }

  received(name, text, now) {
    if (typeof text !== "string" || !text.startsWith("~")) return;
    const [sender, life, number] = text.slice(1).split("~");
    if (!this.#got.has(name)) this.#got.set(name, new Map());
    this.#of(this.#got.get(name), sender).push({ life: Number(life), number: Number(number) });
    this.#lastReceived = now;
  }

  /** say(name, text, confirm) sends it; a client that is not connected says nothing. */
  start(names, everyMs, { connected, say }) {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      for (const name of names) {
        if (!connected(name)) continue;
        const { text, confirm } = this.next(name);
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
          if (total.examples.length < EXAMPLES) total.examples.push({ sender, life, number, to: name });
        });
      }
    }
    const returns = [...this.#journeys].flatMap(([name, journey]) => journey.slice(1).map((each) => ({ name, ...each })));
    return { ...total, returns };
  }
}

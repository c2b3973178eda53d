// Counts what was lost. Every message has its sender and a number; a message is owed to every
// client that was connected when it was said and stayed so, as was its sender: those are the
// connections that lived throughout it. Whatever else arrives must still arrive once, in order.

/** One stretch of time in which a client was connected. */
const life = (up) => ({ up, down: Infinity });

export class Traffic {
  #clients = new Map(); // name -> {lives, got: Map(sender -> [number])}
  #said = new Map(); // sender -> [time], by number
  #timer = null;
  #lastReceived = 0;

  #client(name) {
    let client = this.#clients.get(name);
    if (client === undefined) {
      client = { lives: [], got: new Map() };
      this.#clients.set(name, client);
    }
    return client;
  }

  up(name, now) {
    this.#client(name).lives.push(life(now));
  }

  down(name, now) {
    const last = this.#client(name).lives.at(-1);
    if (last !== undefined && last.down === Infinity) last.down = now;
  }

  /** The next message of a sender has gone out. */
  said(sender, now) {
    this.#numbered(sender).push(now);
  }

  #numbered(sender) {
    if (!this.#said.has(sender)) this.#said.set(sender, []);
    return this.#said.get(sender);
  }

  received(name, text, now) {
    if (typeof text !== "string" || !text.startsWith("#")) return;
    const [sender, number] = text.slice(1).split("#");
    const { got } = this.#client(name);
    if (!got.has(sender)) got.set(sender, []);
    got.get(sender).push(Number(number));
    this.#lastReceived = now;
  }

  /** say(name, text) returns whether it could. */
  start(names, everyMs, say) {
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      for (const name of names) {
        if (say(name, `#${name}#${this.#numbered(name).length}`)) this.said(name, Date.now());
      }
    }, everyMs);
  }

  /** Ends the traffic, waits until nothing came for quietMs, and accounts (see account). */
  async settle(quietMs, marginMs) {
    clearInterval(this.#timer);
    this.#timer = null;
    this.#lastReceived = Math.max(this.#lastReceived, Date.now());
    while (Date.now() - this.#lastReceived < quietMs) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.account(marginMs);
  }

  /**
   * {said, owed, lost, duplicated, misordered, examples}: a message said at t is owed to a client
   * that was connected from marginMs before t to marginMs after it, if its sender stayed
   * connected for marginMs too.
   */
  account(marginMs) {
    const total = { said: 0, owed: 0, lost: 0, duplicated: 0, misordered: 0, examples: [] };
    const lived = (name, from, to) =>
      this.#client(name).lives.some(({ up, down }) => up <= from && down >= to);
    for (const [sender, times] of this.#said) {
      total.said += times.length;
      for (const [name, { got }] of this.#clients) {
        const numbers = got.get(sender) ?? [];
        const seen = new Set(numbers);
        total.duplicated += numbers.length - seen.size;
        for (let i = 1; i < numbers.length; i += 1) {
          if (numbers[i] < numbers[i - 1]) total.misordered += 1;
        }
        times.forEach((time, number) => {
          if (!lived(sender, time, time + marginMs)) return;
          if (!lived(name, time - marginMs, time + marginMs)) return;
          total.owed += 1;
          if (seen.has(number)) return;
          total.lost += 1;
          if (total.examples.length < 10) total.examples.push({ sender, number, to: name, time });
        });
      }
    }
    return total;
  }
}

// Counts deliveries at the in-memory adapter's `broadcast`, and reads the sending time of every 16th.
// A packet may be decoded lazily, on the first touch of its data: so only that 16th is touched,
// whatever the system.
import { nowUs } from "../lib/clock.mjs";

const kSampleMask = 15;
const kFirstSamples = 1 << 16;

export class Recorder {
  #rooms = new Set();
  #count = 0;
  #target = Infinity;
  #onTarget;
  #lastUs = 0;
  #countThen = 0;
  #latenciesUs = new Float64Array(kFirstSamples);
  #samples = 0;

  /** Counts deliveries to these rooms, from 0. */
  arm(rooms) {
    this.#rooms = new Set(rooms);
    this.#count = 0;
    this.#target = Infinity;
    this.#samples = 0;
    this.#lastUs = 0;
    this.#countThen = 0;
  }

  take(packet, opts) {
    const [room] = opts.rooms; // the suite emits to one at a time
    if (!this.#rooms.has(room)) return;
    if ((this.#count++ & kSampleMask) === 0) this.#sample(packet);
    if (this.#count === this.#target) {
      this.#stamp();
      this.#onTarget();
    }
  }

  /** Resolves to the count when it has reached `target`, or after `timeoutMs`. */
  reached(target, timeoutMs) {
    if (this.#count >= target) return this.#count;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#onTarget(), timeoutMs);
      this.#onTarget = () => {
        clearTimeout(timer);
        this.#target = Infinity;
        resolve(this.#count);
      };
      this.#target = target;
    });
  }

  /** `lastUs`: when a message last had its time read, and `countThen` the messages until then. */
  report() {
    return {
      count: this.#count,
      countThen: this.#countThen,
      lastUs: this.#lastUs,
      latenciesUs: this.#latenciesUs.slice(0, this.#samples),
    };
  }

  #stamp() {
    this.#lastUs = nowUs();
    this.#countThen = this.#count;
  }

  #sample(packet) {
    this.#stamp();
    if (this.#samples === this.#latenciesUs.length) {
      const longer = new Float64Array(2 * this.#samples);
      longer.set(this.#latenciesUs);
      this.#latenciesUs = longer;
    }
    this.#latenciesUs[this.#samples++] = this.#lastUs - packet.data[1];
  }
}

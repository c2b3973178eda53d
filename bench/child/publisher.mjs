// Emits to a room at a rate, or as fast as the process can.
import { nowUs } from "../lib/clock.mjs";

const kEmitsPerTurn = 64;
const kStepMs = 1;

/**
 * `rate` in emits a second: paced in steps of a millisecond, where a late step makes up for what it
 * missed; `rate` 0 pushes: `perTurn` emits (64) a turn of the event loop, with setImmediate between.
 * Each message carries the time of its emit, or, with `intended`, the time at which it was due: what
 * waited for a publisher that was late then counts as latency.
 * Resolves to `{sent, firstUs}`, the emits made and when the first of them was.
 */
export function publish(io, { room, bytes, rate, seconds, intended, perTurn = kEmitsPerTurn }) {
  const pad = "x".repeat(bytes);
  return new Promise((resolve) => {
    const firstUs = nowUs();
    const endUs = firstUs + seconds * 1e6;
    let sent = 0;
    if (rate === 0) {
      const turn = () => {
        if (nowUs() >= endUs) return resolve({ sent, firstUs });
        for (let i = 0; i < perTurn; i++) io.to(room).emit("e", nowUs(), pad);
        sent += perTurn;
        setImmediate(turn);
      };
      turn();
      return;
    }
    const total = Math.round(rate * seconds);
    const dueUs = (index) => Math.floor(firstUs + (index * 1e6) / rate);
    const step = () => {
      const due = Math.min(total, Math.ceil(((nowUs() - firstUs) * rate) / 1e6));
      for (; sent < due; sent++) io.to(room).emit("e", intended ? dueUs(sent) : nowUs(), pad);
      if (sent === total) resolve({ sent, firstUs });
      else setTimeout(step, kStepMs);
    };
    step();
  });
}

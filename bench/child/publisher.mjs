// Emits to a room at a rate, or as fast as the process can.
import { nowUs } from "../lib/clock.mjs";

const kEmitsPerTurn = 64;
const kStepMs = 1;

/**
 * `rate` in emits a second: paced in steps of a millisecond, where a late step makes up for what it
 * missed; `rate` 0 pushes: 64 emits a turn of the event loop, with setImmediate between.
 * Resolves to `{sent, firstUs}`, the emits made and when the first of them was.
 */
export function publish(io, { room, bytes, rate, seconds }) {
  const pad = "x".repeat(bytes);
  const emit = (count) => {
    for (let i = 0; i < count; i++) io.to(room).emit("e", nowUs(), pad);
  };
  return new Promise((resolve) => {
    const firstUs = nowUs();
    const endUs = firstUs + seconds * 1e6;
    let sent = 0;
    if (rate === 0) {
      const turn = () => {
        if (nowUs() >= endUs) return resolve({ sent, firstUs });
        emit(kEmitsPerTurn);
        sent += kEmitsPerTurn;
        setImmediate(turn);
      };
      turn();
    } else {
      const total = Math.round(rate * seconds);
      const step = () => {
        const due = Math.min(total, Math.ceil(((nowUs() - firstUs) * rate) / 1e6));
        emit(due - sent);
        sent = due;
        if (sent === total) resolve({ sent, firstUs });
        else setTimeout(step, kStepMs);
      };
      step();
    }
  });
}

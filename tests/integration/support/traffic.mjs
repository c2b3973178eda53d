// Messages that can be counted.

/** Emits numbered messages from a server, a few each turn, until stopped. Keeps no failed test's process alive. */
export function publish(server, room, event, perTurn = 5) {
  let n = 0;
  let running = true;
  const step = () => {
    if (!running) return;
    for (let i = 0; i < perTurn; i++) server.io.to(room).emit(event, n++);
    setTimeout(step, 1).unref();
  };
  step();
  return {
    stop() {
      running = false;
      return n;
    },
  };
}

/** 0, 1, … below `to`. */
export const numbers = (to) => Array.from({ length: to }, (_, i) => i);

// The process that the clients of a run live in: apart from the lab's own, so that nothing which that
// does shows up in a latency. Asked over IPC: {id, call, args} → {id, result} or {id, error}.

import { Crowd } from "./crowd.mjs";

let crowd;

async function answer({ id, call, args }) {
  try {
    if (call === "new") crowd = new Crowd(args.run);
    const result = call === "new" ? undefined : await crowd[call](args);
    process.send({ id, result });
  } catch (error) {
    process.send({ id, error: error.message });
  }
}

process.on("message", answer);
process.on("disconnect", () => process.exit(0));

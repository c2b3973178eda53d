// The other end of lib/server_process.mjs, in a child process: does what the suite asks for over IPC, and
// ends with the channel.
export function serve(methods) {
  process.on("message", async ({ id, method, parameters }) => {
    if (method === undefined) return; // of the adapter's: @socket.io/cluster-adapter has this channel too
    try {
      process.send({ id, value: await methods[method](parameters) });
    } catch (error) {
      process.send({ id, error: error.stack ?? String(error) });
    }
  });
  process.once("disconnect", () => process.exit(0));
  process.once("SIGTERM", () => process.exit(0));
}

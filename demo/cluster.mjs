// Ties the lists of presence.mjs to the mesh: peers up and down come as events of the adapter,
// lists travel by serverSideEmit. A list is published when it changes, and when someone asks;
// whoever lacks one asks: for a peer that came up, and after a declared gap.

const LIST = "presence list";
const ASK = "presence ask";

/**
 * @param presence of this server; gets its id from the mesh, with the first attachment
 * @param onChanges called with the changes that news from elsewhere made
 * @param onState called when the sidecar was lost or is back
 * @returns {publish(), sidecar: "attached" | "away"}
 */
export function joinCluster(io, { presence, onChanges, onState }) {
  const { adapter } = io.of("/");
  let self; // this server's member id; the others can't know of us before we do
  const publish = () => self !== undefined && io.serverSideEmit(LIST, presence.list());
  const ask = (ids) => ids.length > 0 && io.serverSideEmit(ASK, ids);
  let asking = false;
  /** Servers that come up in one turn are asked together. */
  const askMissing = () => {
    if (asking) return;
    asking = true;
    setImmediate(() => {
      asking = false;
      ask(presence.missing());
    });
  };
  let sidecar = "away";
  const turn = (state) => {
    sidecar = state;
    onState();
  };

  io.on(LIST, (list) => onChanges(presence.accept(list)));
  io.on(ASK, (ids) => Array.isArray(ids) && ids.includes(self) && publish());
  adapter.on("peer-up", ({ id }) => {
    onChanges(presence.peerUp(id));
    askMissing();
  });
  adapter.on("peer-down", ({ id }) => onChanges(presence.peerDown(id)));
  adapter.on("gap", () => ask(presence.others()));
  adapter.on("attached", ({ member }) => {
    if (self === undefined) {
      self = member;
      presence.identify(member);
      publish();
    }
    turn("attached");
  });
  adapter.on("detached", () => turn("away"));

  return {
    publish,
    get sidecar() {
      return sidecar;
    },
  };
}

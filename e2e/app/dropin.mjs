// The app of the drop-in cases: one peer as socket.io-mesh-adapter has them (PEER: v2 or v1), whose discovery
// service is what MESH_SERVER_WS_ADDRESS says. Over HTTP, port 3000:
//
//   /healthz                     it has its first roster
//   /state                       {id, address, discovery, roster, rosters, goneAt, cuts, up, got}; `rosters` is how
//                                many it has had, `goneAt` when one was the first without a server: {id: ms},
//                                `got` what came: {from: {label: [numbers]}}
//   /send?label=x&count=n        n numbered frames to every peer that is up; answers {to}
import { createServer } from "node:http";
import { V1Peer, V2Peer } from "./dropin-peers.mjs";

const PORT = 3000;
const discovery = process.env.MESH_SERVER_WS_ADDRESS;
const v1 = process.env.PEER === "v1";
const peer = await new (v1 ? V1Peer : V2Peer)({ discovery, host: "0.0.0.0" }).start();

const counted = (message) => message.label !== undefined;

function got() {
  const all = {};
  const messages = v1
    ? peer.received.map(({ data }) => data)
    : peer.up().flatMap((from) => peer.messages(from));
  for (const { from, label, number } of messages.filter(counted)) ((all[from] ??= {})[label] ??= []).push(number);
  return all;
}

function state() {
  return {
    id: peer.id,
    address: peer.address,
    discovery,
    roster: Object.fromEntries(peer.roster),
    rosters: peer.rosters.length,
    goneAt: peer.goneAt,
    cuts: peer.cuts,
    up: peer.up(),
    got: got(),
  };
}

function send(label, count) {
  const to = peer.up();
  for (let number = 0; number < count; number++) {
    const message = { type: v1 ? "broadcast" : 3, from: peer.id, label, number };
    if (v1) peer.send(message);
    else peer.broadcast(message, to);
  }
  return { to };
}

createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const answer = (status, body) => response.writeHead(status).end(JSON.stringify(body));
  if (pathname === "/healthz") answer(peer.rosters.length > 0 ? 200 : 503, {});
  else if (pathname === "/state") answer(200, state());
  else if (pathname === "/send") answer(200, send(searchParams.get("label"), Number(searchParams.get("count"))));
  else answer(404, {});
}).listen(PORT);

process.once("SIGTERM", () => process.exit(0));

// What the demo consists of: ports, names and the sidecars' configuration, from the environment.
// Pure.
//
//   DEMO_CHAT_PORTS   3001,3002,3003   a server each; their number is the size of the mesh
//   DEMO_LINK_PORTS   7400,7410,7420   sidecar ↔ sidecar
//   DEMO_ADMIN_PORTS  7401,7411,7421   dashboard, /metrics, /status
//   DEMO_SIDECAR      build/bin/socketmesh-sidecar
//   DEMO_REPLICAS     other sidecars that keep a copy of each one's sessions (recovery.replicas)

export const HOST = "127.0.0.1";
const MESH_NAME = "demo";
const SERVERS_MAX = 9;

const DEFAULT_PORTS = {
  DEMO_CHAT_PORTS: [3001, 3002, 3003],
  DEMO_LINK_PORTS: [7400, 7410, 7420],
  DEMO_ADMIN_PORTS: [7401, 7411, 7421],
};

/** A setting that cannot be; the message names it. */
export class SettingError extends Error {}

/** @returns one {index, chatPort, linkPort, adminPort, peers: linkPorts, replicas?} for each server */
export function layoutFrom(env) {
  const chat = ports(env, "DEMO_CHAT_PORTS");
  const link = ports(env, "DEMO_LINK_PORTS", chat.length);
  const admin = ports(env, "DEMO_ADMIN_PORTS", chat.length);
  const all = [...chat, ...link, ...admin];
  const twice = all.find((port, i) => all.indexOf(port) !== i);
  if (twice !== undefined) throw new SettingError(`port ${twice} is given twice`);
  const replicas = env.DEMO_REPLICAS;
  if (replicas !== undefined && !/^[0-5]$/.test(replicas)) {
    throw new SettingError(`DEMO_REPLICAS: "${replicas}" is not 0 to 5`);
  }
  return chat.map((chatPort, i) => ({
    index: i + 1,
    chatPort,
    linkPort: link[i],
    adminPort: admin[i],
    peers: link.filter((_, other) => other !== i),
    ...(replicas === undefined ? {} : { replicas }),
  }));
}

function ports(env, name, count) {
  if (env[name] === undefined) {
    if (count !== undefined && count !== DEFAULT_PORTS[name].length) {
      throw new SettingError(`${name} is missing: DEMO_CHAT_PORTS names ${count} servers`);
    }
    return DEFAULT_PORTS[name];
  }
  const list = env[name].split(",").map((text) => {
    const port = /^\d{1,5}$/.test(text.trim()) ? Number(text) : 0;
    if (port < 1 || port > 65535) throw new SettingError(`${name}: "${text}" is not a port`);
    return port;
  });
  if (count !== undefined && list.length !== count) {
    throw new SettingError(`${name} names ${list.length} ports for ${count} servers`);
  }
  if (list.length > SERVERS_MAX) {
    throw new SettingError(`${name} names ${list.length} ports, more than ${SERVERS_MAX}`);
  }
  return list;
}

/** What a child inherits: settings of some other sidecar would override those made here. */
export function inheritedEnvironment(env) {
  const foreign = (name) => name.startsWith("SOCKETMESH_") && !name.startsWith("SOCKETMESH_LOG_");
  return Object.fromEntries(Object.entries(env).filter(([name]) => !foreign(name)));
}

/** The configuration file of a server's sidecar. @param socket path of its unix socket */
export function sidecarConfig({ index, linkPort, adminPort, peers, replicas }, socket) {
  return [
    `mesh: {name: ${MESH_NAME}, id: sidecar-${index}}`,
    `app: {listen: "unix:${socket}"}`,
    `link: {listen: "${HOST}:${linkPort}"}`,
    `admin: {listen: "${HOST}:${adminPort}"}`,
    "discovery:",
    `  static: [${peers.map((port) => `"${HOST}:${port}"`).join(", ")}]`,
    `recovery: {window: 120s${replicas === undefined ? "" : `, replicas: ${replicas}`}}`,
    "log: {level: warn}",
    "",
  ].join("\n");
}

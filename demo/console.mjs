// What the demo prints. Pure: returns text.

import { HOST } from "./layout.mjs";

const SERVER_COLOURS = [35, 36, 33, 95, 34];

/** Functions that colour text, or leave it alone where `on` is false. */
export function colours(on) {
  const wrap = (code) => (text) => (on ? `\u001b[${code}m${text}\u001b[0m` : text);
  return {
    bold: wrap(1),
    dim: wrap(2),
    server: (index, text) => wrap(SERVER_COLOURS[(index - 1) % SERVER_COLOURS.length])(text),
  };
}

/** The prefix of a child's lines: "server 2  │". */
export function mark(paint, name) {
  const index = Number(name.split(" ")[1]);
  return paint.server(index, `${name.padEnd(9)} │`);
}

/** What to open. @param state a few words on how far things are */
export function addressesText(paint, layout, state) {
  const rows = layout.map(({ index, chatPort, adminPort }) => {
    const name = paint.server(index, `  server ${index}`);
    return `${name}   http://${HOST}:${chatPort}   http://${HOST}:${adminPort}`;
  });
  return [
    "",
    `  ${paint.bold("SocketMesh demo")} ${paint.dim(`· ${state} · Ctrl-C ends it`)}`,
    "",
    paint.dim(`             ${"chat".padEnd(24)}sidecar dashboard`),
    ...rows,
    "",
    "  Open two of the chats side by side and talk: app → sidecar → sidecar → app.",
  ].join("\n");
}

/** What to kill. @param pids name → process id */
export function pidsText(paint, pids) {
  const tries = [
    ["server 2", "its users leave in the other windows, and are back two seconds later"],
    ["sidecar 1", "nobody leaves; what is written meanwhile arrives"],
  ];
  const lines = tries
    .filter(([name]) => pids.has(name))
    .map(([name, what]) => {
      const command = `kill -9 ${pids.get(name)}`.padEnd(16);
      return `  ${paint.bold(command)} ${name}: ${what}`;
    });
  return ["  Then, from another terminal:", ...lines, ""].join("\n");
}

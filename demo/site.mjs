// The page's files, from memory: read once at start, nothing else on disk can be asked for.

import { readFileSync } from "node:fs";

const FILES = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/theme.css": ["theme.css", "text/css; charset=utf-8"],
  "/style.css": ["style.css", "text/css; charset=utf-8"],
  "/app.js": ["app.js", "text/javascript; charset=utf-8"],
  "/room.js": ["room.js", "text/javascript; charset=utf-8"],
  "/view.js": ["view.js", "text/javascript; charset=utf-8"],
  "/icon.svg": ["icon.svg", "image/svg+xml"],
  "/mesh.svg": ["mesh.svg", "image/svg+xml"],
};

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; " +
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/**
 * A request handler for node:http.
 * @param health returns the object that GET /healthz answers with.
 */
export function createSite({ health }) {
  const files = new Map();
  for (const [path, [file, type]] of Object.entries(FILES)) {
    const body = readFileSync(new URL(`public/${file}`, import.meta.url));
    files.set(path, { body, type });
  }
  const find = (path) =>
    path === "/healthz"
      ? { body: Buffer.from(`${JSON.stringify(health())}\n`), type: "application/json" }
      : files.get(path);

  return (request, response) => {
    const [path] = request.url.split("?", 1);
    const found = find(path);
    const readable = request.method === "GET" || request.method === "HEAD";
    const answer = (status, type, body, more = {}) => {
      response.writeHead(status, {
        ...HEADERS,
        ...more,
        "content-type": type,
        "content-length": body.length,
      });
      response.end(request.method === "HEAD" ? undefined : body);
    };
    if (!found) answer(404, "text/plain", Buffer.from("not found\n"));
    else if (!readable) answer(405, "text/plain", Buffer.from("GET\n"), { allow: "GET, HEAD" });
    else answer(200, found.type, found.body);
  };
}

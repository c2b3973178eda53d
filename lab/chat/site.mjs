// The chat's page, from memory: read once at start, nothing else on disk can be asked for.

import { readFileSync } from "node:fs";

const FILES = {
  "/": ["page/index.html", "text/html; charset=utf-8"],
  "/style.css": ["page/style.css", "text/css; charset=utf-8"],
  "/page.mjs": ["page/page.mjs", "text/javascript; charset=utf-8"],
  "/client.mjs": ["client.mjs", "text/javascript; charset=utf-8"],
};

const HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cache-control": "no-cache",
};

/** A request handler for node:http. @param health returns what GET /healthz answers */
export function createSite({ health }) {
  const files = new Map(
    Object.entries(FILES).map(([path, [file, type]]) => [
      path,
      { body: readFileSync(new URL(file, import.meta.url)), type },
    ]),
  );
  return (request, response) => {
    const [path] = request.url.split("?", 1);
    const found =
      path === "/healthz"
        ? { body: Buffer.from(`${JSON.stringify(health())}\n`), type: "application/json" }
        : files.get(path);
    const readable = request.method === "GET" || request.method === "HEAD";
    const status = !found ? 404 : readable ? 200 : 405;
    const body = status === 200 ? found.body : Buffer.from(`${status}\n`);
    response.writeHead(status, {
      ...HEADERS,
      "content-type": status === 200 ? found.type : "text/plain",
      "content-length": body.length,
    });
    response.end(request.method === "HEAD" ? undefined : body);
  };
}

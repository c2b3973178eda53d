// Runs the real helm on the chart, and reads what it prints.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseAllDocuments } from "yaml";

export const root = fileURLToPath(new URL("../../..", import.meta.url));
export const chart = `${root}charts/socketmesh`;
export const releaseNamespace = "mesh-system";

const binary = execFileSync(`${root}scripts/helm.sh`, { encoding: "utf8" }).trim();

// What helm prints; throws with what it complains about.
export function helm(args, options = {}) {
  return execFileSync(binary, args, { encoding: "utf8", stdio: ["pipe", "pipe", "pipe"], ...options });
}

// The objects for these values, given as an object.
export function render(values = {}, extra = []) {
  const text = helm(
    ["template", "mesh", chart, "--namespace", releaseNamespace, "--kube-version", "1.34.4", "--values", "-", ...extra],
    { input: JSON.stringify(values) },
  );
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors.length) throw document.errors[0];
      return document.toJS();
    })
    .filter(Boolean);
}

// helm's complaint about these values; undefined when it takes them.
export function refusal(values) {
  try {
    render(values);
    return undefined;
  } catch (error) {
    return String(error.stderr ?? error.message);
  }
}

export function find(objects, kind, name) {
  return objects.find((object) => object.kind === kind && (!name || object.metadata.name === name));
}

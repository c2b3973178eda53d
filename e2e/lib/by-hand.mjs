// A mesh without an operator: what a team writes that wants the sidecar and nothing else. The
// certificates are openssl's, the peers are found by DNS.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MESH_LABEL } from "./kube.mjs";
import { deployment } from "./objects.mjs";
import { run } from "./run.mjs";
import { settings } from "./settings.mjs";

const SOCKET_DIR = "/var/run/socketmesh";
const CONFIG_DIR = "/etc/socketmesh/config";
const TLS_DIR = "/etc/socketmesh/tls";

/** {ca, cert, key} in PEM: a CA, and a leaf for the mesh of this namespace. */
export async function makeCertificates(namespace, mesh) {
  const folder = await mkdtemp(join(tmpdir(), "socketmesh-e2e-"));
  const path = (name) => join(folder, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  try {
    await run("openssl", ["req", "-x509", ...key, "-keyout", path("ca.key"), "-out", path("ca.crt"),
      "-subj", "/CN=e2e", "-days", "2"]);
    await run("openssl", ["req", ...key, "-keyout", path("tls.key"), "-out", path("tls.csr"),
      "-subj", `/CN=${mesh}`]);
    await writeFile(path("extensions"),
      `subjectAltName=URI:spiffe://socketmesh.io/ns/${namespace}/mesh/${mesh}\n` +
        "extendedKeyUsage=serverAuth,clientAuth\n");
    await run("openssl", ["x509", "-req", "-in", path("tls.csr"), "-CA", path("ca.crt"), "-CAkey",
      path("ca.key"), "-CAcreateserial", "-days", "1", "-extfile", path("extensions"), "-out", path("tls.crt")]);
    const [ca, cert, leafKey] = await Promise.all(
      ["ca.crt", "tls.crt", "tls.key"].map((name) => readFile(path(name), "utf8")));
    return { ca, cert, key: leafKey };
  } finally {
    await rm(folder, { recursive: true });
  }
}

export function tlsSecret(name, { ca, cert, key }) {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name },
    stringData: { "ca.crt": ca, "tls.crt": cert, "tls.key": key },
  };
}

function sidecar() {
  const get = (path, extra) => ({ httpGet: { path, port: 7401 }, ...extra });
  return {
    name: "socketmesh",
    image: settings.sidecarImage,
    imagePullPolicy: settings.pullPolicy,
    restartPolicy: "Always",
    args: ["--config", `${CONFIG_DIR}/socketmesh.yaml`],
    startupProbe: get("/readyz", { periodSeconds: 1, failureThreshold: 60 }),
    livenessProbe: get("/healthz", { periodSeconds: 10 }),
    lifecycle: { preStop: { exec: { command: ["/socketmesh-sidecar", "leave"] } } },
    resources: { requests: { cpu: "20m", memory: "32Mi" }, limits: { memory: "256Mi" } },
    securityContext: {
      runAsUser: 65532,
      runAsNonRoot: true,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    volumeMounts: [
      { name: "app-socket", mountPath: SOCKET_DIR },
      { name: "config", mountPath: CONFIG_DIR },
      { name: "tls", mountPath: TLS_DIR },
    ],
  };
}

/**
 * Everything that the mesh needs: headless Service, configuration, Deployment. `name` is that of
 * the Deployment where it is not the mesh's; `peers` are addresses instead of the Service's.
 */
export function byHand(namespace, mesh, { replicas, secret, name = mesh, peers }) {
  // A guest in somebody else's namespace is not to be found by its label.
  const labels = name === mesh ? { [MESH_LABEL]: mesh } : {};
  const discovery = peers
    ? `{static: ${JSON.stringify(peers)}}`
    : `{dns: "${name}-mesh.${namespace}.svc.cluster.local:7400", interval: 500ms}`;
  const config = [
    `mesh: {name: ${mesh}}`,
    `discovery: ${discovery}`,
    `tls: {ca: ${TLS_DIR}/ca.crt, cert: ${TLS_DIR}/tls.crt, key: ${TLS_DIR}/tls.key}`,
    "log: {format: json}",
  ].join("\n");
  const app = deployment(name, {
    replicas,
    labels,
    annotations: { "socketmesh.io/inject": "false" },
    app: { volumeMounts: [{ name: "app-socket", mountPath: SOCKET_DIR }] },
    initContainers: [sidecar()],
    volumes: [
      { name: "app-socket", emptyDir: {} },
      { name: "config", configMap: { name: `${name}-config` } },
      { name: "tls", secret: { secretName: secret, defaultMode: 0o444 } },
    ],
  });
  const service = {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: `${name}-mesh` },
    spec: {
      clusterIP: "None",
      publishNotReadyAddresses: true,
      selector: labels,
      ports: [{ name: "link", port: 7400 }],
    },
  };
  return [
    ...(peers ? [] : [service]),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `${name}-config` },
      data: { "socketmesh.yaml": `${config}\n` },
    },
    app,
  ];
}

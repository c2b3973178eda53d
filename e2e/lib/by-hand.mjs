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

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/**
 * A CA of openssl's, for one mesh of one namespace: leaf(days) makes {ca, cert, key} in PEM. Its
 * files go with remove().
 */
export class Authority {
  #folder;
  #extensions;

  static async create(namespace, mesh) {
    const authority = new Authority();
    authority.#folder = await mkdtemp(join(tmpdir(), "socketmesh-e2e-"));
    authority.#extensions = `subjectAltName=URI:spiffe://socketmesh.io/ns/${namespace}/mesh/${mesh}\n` +
      "extendedKeyUsage=serverAuth,clientAuth\n";
    await run("openssl", ["req", "-x509", ...NEW_KEY, "-keyout", authority.#path("ca.key"), "-out",
      authority.#path("ca.crt"), "-subj", "/CN=e2e", "-days", "30"]);
    return authority;
  }

  #path(name) {
    return join(this.#folder, name);
  }

  async leaf(days = 1) {
    const path = (name) => this.#path(name);
    await writeFile(path("extensions"), this.#extensions);
    await run("openssl", ["req", ...NEW_KEY, "-keyout", path("tls.key"), "-out", path("tls.csr"), "-subj", "/CN=leaf"]);
    await run("openssl", ["x509", "-req", "-in", path("tls.csr"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"),
      "-CAcreateserial", "-days", String(days), "-extfile", path("extensions"), "-out", path("tls.crt")]);
    const [ca, cert, key] = await Promise.all(
      ["ca.crt", "tls.crt", "tls.key"].map((name) => readFile(path(name), "utf8")));
    return { ca, cert, key };
  }

  remove() {
    return rm(this.#folder, { recursive: true });
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
    terminationMessagePolicy: "FallbackToLogsOnError",
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

/** The ways of a sidecar to its peers, as its configuration has them. */
export const discovery = {
  static: (peers) => `{static: ${JSON.stringify(peers)}}`,
  dns: (namespace, mesh) => `{dns: "${mesh}-mesh.${namespace}.svc.cluster.local:7400", interval: 500ms}`,
  kubernetes: (namespace, mesh) => `{kubernetes: {namespace: ${namespace}, service: ${mesh}-mesh}}`,
};

/** What discovery.kubernetes needs: the pods of the namespace may read its EndpointSlices. */
export function endpointSliceRights(namespace) {
  const metadata = { name: "sidecars" };
  const group = "rbac.authorization.k8s.io";
  return [
    {
      apiVersion: `${group}/v1`,
      kind: "Role",
      metadata,
      rules: [{ apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["get", "list", "watch"] }],
    },
    {
      apiVersion: `${group}/v1`,
      kind: "RoleBinding",
      metadata,
      roleRef: { apiGroup: group, kind: "Role", name: metadata.name },
      subjects: [{ apiGroup: group, kind: "Group", name: `system:serviceaccounts:${namespace}` }],
    },
  ];
}

/**
 * Everything that the mesh needs: headless Service, configuration, Deployment. `peers` is one of
 * discovery; `name` is that of the Deployment where it is not the mesh's.
 */
export function byHand(mesh, { replicas, secret, peers, name = mesh }) {
  // A guest in somebody else's mesh is not to be found by its label.
  const guest = name !== mesh;
  const labels = guest ? {} : { [MESH_LABEL]: mesh };
  const config = [
    `mesh: {name: ${mesh}}`,
    `discovery: ${peers}`,
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
    ...(guest ? [] : [service]),
    {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `${name}-config` },
      data: { "socketmesh.yaml": `${config}\n` },
    },
    app,
  ];
}

// The objects that the cases apply, as users would write them.

import { settings } from "./settings.mjs";
import { APP_PORT } from "./clients.mjs";

export const API_VERSION = "socketmesh.io/v1alpha1";
/** Small, because a dozen meshes share two cores. */
const APP_RESOURCES = { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "192Mi" } };
const APP_GRACE_S = 10;

/** The app, as restricted as Pod Security can ask for. */
export function appContainer({ env = {}, image = settings.appImage, ...rest } = {}) {
  return {
    name: "app",
    image,
    imagePullPolicy: settings.pullPolicy,
    args: ["/app/server.mjs"],
    env: Object.entries(env).map(([name, value]) => ({ name, value: String(value) })),
    ports: [{ containerPort: APP_PORT }],
    readinessProbe: { httpGet: { path: "/healthz", port: APP_PORT }, periodSeconds: 1, timeoutSeconds: 5 },
    resources: APP_RESOURCES,
    securityContext: {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    },
    ...rest,
  };
}

export function podTemplate({ labels = {}, annotations = {}, app = {}, ...spec } = {}) {
  return {
    metadata: { labels, annotations },
    spec: {
      terminationGracePeriodSeconds: APP_GRACE_S,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: "RuntimeDefault" },
      },
      containers: [appContainer(app)],
      ...spec,
    },
  };
}

/** A SocketMesh with a template, unless `template: undefined` asks for labelled mode. */
export function socketMesh(name, spec = {}, metadata = {}) {
  const { template = podTemplate(), ...rest } = spec;
  const labelled = "template" in spec && spec.template === undefined;
  return {
    apiVersion: API_VERSION,
    kind: "SocketMesh",
    metadata: { name, ...metadata },
    spec: { ...(labelled ? {} : { template, port: APP_PORT }), ...rest },
  };
}

/** An ordinary Deployment, as one that knows nothing of meshes but a label. */
export function deployment(name, { replicas = 1, labels = {}, annotations = {}, ...template } = {}) {
  const selector = { app: name };
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      replicas,
      selector: { matchLabels: selector },
      template: podTemplate({ labels: { ...selector, ...labels }, annotations, ...template }),
    },
  };
}

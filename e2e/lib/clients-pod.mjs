// A pod for the clients, on a cluster whose pods' addresses can't be reached from here.

import { Namespace } from "./kube.mjs";
import { podTemplate } from "./objects.mjs";

const NAME = "clients";

export class ClientsPod {
  #ns = new Namespace("e2e-clients");

  static async start() {
    const pod = new ClientsPod();
    await pod.#ns.create();
    const { spec } = podTemplate({
      app: { args: ["-e", "setInterval(() => {}, 1e9)"], readinessProbe: undefined },
      terminationGracePeriodSeconds: 0,
    });
    await pod.#ns.apply({ apiVersion: "v1", kind: "Pod", metadata: { name: NAME, labels: { app: NAME } }, spec });
    await pod.#ns.readyPods(`app=${NAME}`, 1);
    return pod;
  }

  /** For new Clients(place). */
  get place() {
    return { namespace: this.#ns.name, pod: NAME };
  }

  remove() {
    return this.#ns.remove();
  }
}

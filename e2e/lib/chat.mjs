// What the cases ask of a mesh as its users see it: who is in it, and who hears whom.

import { until, want } from "./wait.mjs";

/** Waits until each of these pods' apps is attached and knows all the others. */
export function converged(clients, pods, options) {
  return until(
    `${pods.length} members that know each other`,
    async () => {
      const names = pods.map((pod) => pod.metadata.name).sort();
      for (const pod of pods) {
        const { attached, peers } = await clients.appState(pod);
        want(attached, () => `${pod.metadata.name} is not attached`);
        const known = [pod.metadata.name, ...peers.map(({ name }) => name)].sort();
        want(known.join() === names.join(), () => `${pod.metadata.name} knows ${known}`);
      }
    },
    options,
  );
}

/** A client on each pod, called like it; the connections are given a room of their own to hear. */
export async function clientOnEach(clients, pods) {
  const names = pods.map((pod) => pod.metadata.name);
  await Promise.all(pods.map((pod) => clients.connect(pod.metadata.name, pod)));
  return names;
}

/** One says something on each pod; every client must hear all of it, once. */
export async function allHearAll(clients, names, { timeoutMs = 10_000, round = Date.now() } = {}) {
  const texts = names.map((name) => `${name} says ${round}`);
  await Promise.all(names.map((name, i) => clients.emit(name, "say", texts[i])));
  await until(
    "everyone to hear everyone",
    async () => {
      for (const name of names) {
        const heard = (await clients.received(name)).map(({ text }) => text);
        for (const text of texts) {
          const times = heard.filter((one) => one === text).length;
          want(times > 0, () => `${name} has not heard "${text}"`);
          if (times > 1) throw new Error(`${name} heard "${text}" ${times} times`);
        }
      }
    },
    { timeoutMs },
  );
}

/** Fails unless the traffic lost, repeated and swapped nothing; returns how it reads. */
export function nothingLost({ said, owed, lost, duplicated, misordered, examples }) {
  const text = `${said} said, ${owed} deliveries owed, ${lost} lost, ${duplicated} twice, ${misordered} out of order`;
  if (lost + duplicated + misordered > 0) throw new Error(`${text}: ${JSON.stringify(examples)}`);
  if (owed === 0) throw new Error(`the traffic proves nothing: ${text}`);
  return text;
}

/**
 * No app lost its sidecar, no sidecar a link: what a rotation must not cost. `before` are the
 * sidecars' statuses.
 */
export async function nothingCut(clients, pods, before) {
  for (const [i, pod] of pods.entries()) {
    const { attachments, gaps } = await clients.appState(pod);
    want(attachments === 1 && gaps === 0, () => `${pod.metadata.name}: ${attachments} attachments, ${gaps} gaps`);
    const { counters } = await clients.sidecarStatus(pod);
    want(counters.links_lost === before[i].counters.links_lost, () => `${pod.metadata.name} lost a link`);
  }
}

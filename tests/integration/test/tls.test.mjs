// Links by mTLS whose certificates change: real sidecars, certificates that live for seconds, in
// folders that are swapped as a kubelet swaps them. Nothing lost, no link cut, nobody else let in.
import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { describe, it } from "node:test";
import { Authority, IDENTITY } from "../support/certificates.mjs";
import { received, startServers } from "../support/server.mjs";
import { Sidecars } from "../support/sidecar.mjs";
import { dialLink, getByTls } from "../support/tls-client.mjs";
import { numbers, publish } from "../support/traffic.mjs";
import { sleep, until } from "../support/until.mjs";

async function withMesh(count, certificates, run) {
  const sidecars = await Sidecars.start(count, { certificates });
  const servers = [];
  try {
    await run(sidecars, servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await sidecars.stop();
  }
}

async function withAuthorities(count, run) {
  const authorities = Array.from({ length: count }, () => new Authority());
  try {
    await run(...authorities);
  } finally {
    for (const authority of authorities) authority.remove();
  }
}

/** Every server floods every server. */
async function flood(sidecars, servers) {
  servers.push(...(await startServers(sidecars)));
  const clients = await Promise.all(servers.map((server) => server.client()));
  await Promise.all(clients.map((client) => client.server.join("flood")));
  const publishers = servers.map((server, i) => publish(server, "flood", `from-${i}`, 1));
  return {
    async check() {
      const sent = publishers.map((publisher) => publisher.stop());
      for (const client of clients) {
        for (const [i, count] of sent.entries()) {
          const got = () => received(client, `from-${i}`);
          await until(() => got().at(-1)?.[0] === count - 1, () => `the end of ${i}: ${got().length} of ${count}`);
          assert.deepEqual(got().flat(), numbers(count));
        }
      }
      for (const server of servers) assert.deepEqual(server.of("gap"), []);
    },
  };
}

/** Gives every sidecar a new set, and waits until each uses it. */
async function rotate(sidecars, next) {
  const reloads = await Promise.all(sidecars.all.map(async (sidecar) => (await sidecar.currentStatus()).tls.reloads));
  for (const [i, sidecar] of sidecars.all.entries()) sidecar.secret.publish(next(i));
  for (const [i, sidecar] of sidecars.all.entries()) {
    await until(async () => (await sidecar.currentStatus()).tls.reloads === reloads[i] + 1, `${sidecar.name} to reload`);
  }
}

/** Since `before`, every link has lived on. */
async function assertNoLinkCut(sidecars, before) {
  const after = await lives(sidecars);
  const logs = sidecars.all.map((sidecar) => `${sidecar.name}:\n${sidecar.readLog()}`);
  assert.deepEqual(after, before, [JSON.stringify(before), JSON.stringify(after), ...logs].join("\n"));
}

/**
 * What changes when a link does, once nobody dials any more: at the start each of a pair dials the other, and
 * the later link may take the place of the first. So who has dialled everyone is asked again when all have.
 */
async function lives(sidecars) {
  const settled = ({ addresses, links }) =>
    addresses.every(({ state }) => state === "linked" || state === "self") && links.every(({ state }) => state === "linked");
  const statuses = () =>
    Promise.all(
      sidecars.all.map((sidecar) => {
        const find = async () => {
          const status = await sidecar.currentStatus();
          return settled(status) && status;
        };
        return until(find, `${sidecar.name} to have dialled everyone`);
      }),
    );
  await statuses();
  return (await statuses()).map(({ counters, links }) => {
    const { links_opened, links_lost, link_retransmits } = counters;
    return { links_opened, links_lost, link_retransmits, reconnects: links.map((link) => link.reconnects) };
  });
}

const sha256 = (text) => createHash("sha256").update(text).digest("hex");

describe("certificates that change", () => {
  it("leaves are replaced under traffic; links outlive the one that they began with", async () => {
    await withAuthorities(1, async (authority) => {
      // Long enough to link with: some seconds, and many on a machine that is slow to make a leaf.
      const start = Date.now();
      authority.leaf();
      const firstLifeS = 12 + Math.ceil((Date.now() - start) / 20);
      const end = Date.now() + firstLifeS * 1000;
      await withMesh(3, () => authority.set({ seconds: firstLifeS }), async (sidecars, servers) => {
        const traffic = await flood(sidecars, servers);
        const before = await lives(sidecars);
        for (let round = 0; round < 2; round++) {
          await rotate(sidecars, () => authority.set({ seconds: 60 }));
          await assertNoLinkCut(sidecars, before);
        }
        const { tls } = await sidecars.all[0].currentStatus();
        assert.ok(tls.leaf_not_after * 1000 > end, "the status tells of the new leaf");
        assert.equal(tls.bundle_sha256, sha256(authority.root));
        assert.equal(tls.problem, "");
        assert.equal(await sidecars.all[0].metric("socketmesh_tls_certificate_expiry_timestamp_seconds"), tls.leaf_not_after);
        assert.equal(await sidecars.all[0].metric('socketmesh_tls_reloads_total{result="used"}'), 2);
        await sleep(end + 1500 - Date.now());
        await assertNoLinkCut(sidecars, before);
        await traffic.check();
        await sidecars.all[1].restart(); // both as dialler and as listener it uses what is valid now
        await sidecars.linked();
      });
    });
  });

  it("a root is replaced under traffic: distribute, sign, clean up", async () => {
    await withAuthorities(2, async (old, next) => {
      const both = old.root + next.root;
      const strangers = { ca: both, ...old.leaf() };
      await withMesh(3, () => old.set(), async (sidecars, servers) => {
        const traffic = await flood(sidecars, servers);
        const before = await lives(sidecars);
        const phase = async (bundle, signer) => {
          await rotate(sidecars, () => ({ ca: bundle, ...signer.leaf() }));
          for (const sidecar of sidecars.all) assert.equal((await sidecar.currentStatus()).tls.bundle_sha256, sha256(bundle));
          await assertNoLinkCut(sidecars, before);
        };
        const accepts = (authority) => dialLink(sidecars.all[0].linkPort, { ca: both, ...authority.leaf() });

        await assert.rejects(accepts(next), /unknown ca|decrypt error/i, "before it begins");
        await phase(both, old); // distribute
        await accepts(old);
        await accepts(next);
        // Sign: half of them have the new leaf, and links open between the halves.
        sidecars.all[0].secret.publish({ ca: both, ...next.leaf() });
        await until(async () => (await sidecars.all[0].currentStatus()).tls.reloads === 2, "the first to reload");
        assert.ok((await accepts(old)).verify(new X509Certificate(next.root).publicKey), "it shows its new leaf");
        await phase(both, next);
        await accepts(old);
        await phase(next.root, next); // clean up
        await accepts(next);
        await assert.rejects(dialLink(sidecars.all[0].linkPort, strangers), /unknown ca|decrypt error/i, "the old root is gone");
        await traffic.check();
        await sidecars.all[2].restart();
        await sidecars.linked();
      });
    });
  });

  it("a set that cannot be used leaves the old one in use, told once", async () => {
    await withAuthorities(2, async (authority, other) => {
      await withMesh(2, () => authority.set(), async (sidecars, servers) => {
        const traffic = await flood(sidecars, servers);
        const before = await lives(sidecars);
        const [first, second] = sidecars.all;
        const good = authority.set();
        const bad = [
          [{ ...good, cert: "no certificate\n" }, /tls\.crt' holds no certificate/],
          [{ ...good, key: authority.leaf().key }, /tls\.key' does not match/],
          [{ ...good, ca: other.root }, /tls\.crt' does not chain/],
          [authority.set({ seconds: -60 }), /has expired/],
          [authority.set({ identity: `${IDENTITY}-2` }), /names spiffe:.*test-2, not/],
        ];
        const { tls: inUse } = await first.currentStatus();
        for (const [i, [set, reason]] of bad.entries()) {
          first.secret.publish(set);
          const refused = async () => {
            const { tls } = await first.currentStatus();
            return tls.reloads_refused === i + 1 && tls;
          };
          const tls = await until(refused, `refusal ${i + 1}`);
          assert.match(tls.problem, reason);
          assert.equal(tls.leaf_not_after, inUse.leaf_not_after);
          assert.equal(tls.reloads, 0);
        }
        assert.equal(await first.metric('socketmesh_tls_reloads_total{result="refused"}'), bad.length);
        assert.equal(await first.metric("socketmesh_tls_files_refused"), 1);
        assert.equal(first.readLog().match(/new certificates refused/g).length, bad.length);
        await assertNoLinkCut(sidecars, before);
        await second.restart(); // new handshakes are by the old set
        await sidecars.linked();
        first.secret.publish(good);
        await until(async () => (await first.currentStatus()).tls.reloads === 1, "the good set");
        assert.equal((await first.currentStatus()).tls.problem, "");
        await traffic.check();
      });
    });
  });

  it("plain files are taken as well, one after another", async () => {
    await withAuthorities(1, async (authority) => {
      await withMesh(2, () => authority.set(), async (sidecars) => {
        const [first] = sidecars.all;
        const next = authority.leaf();
        first.secret.replace("tls.crt", next.cert);
        await until(async () => (await first.currentStatus()).tls.reloads_refused === 1, "the leaf without its key");
        first.secret.replace("tls.key", next.key);
        await until(async () => (await first.currentStatus()).tls.reloads === 1, "the key");
      });
    });
  });
});

describe("who is not of the mesh", () => {
  it("is refused on the link port, counted and logged", async () => {
    await withAuthorities(2, async (authority, stranger) => {
      await withMesh(1, () => authority.set(), async (sidecars) => {
        const [sidecar] = sidecars.all;
        const trusting = (leaf) => ({ ca: authority.root, ...leaf });
        const refused = [
          [trusting(stranger.leaf()), /unknown ca|decrypt error/i],
          [trusting(authority.leaf({ identity: "spiffe://socketmesh.io/ns/default/mesh/other" })), /alert/i],
          [trusting(authority.leaf({ seconds: -60 })), /expired/i],
          [{ ca: authority.root }, /certificate required/i],
        ];
        for (const [i, [certificates, alert]] of refused.entries()) {
          await assert.rejects(dialLink(sidecar.linkPort, certificates), alert);
          const counted = async () => (await sidecar.metric("socketmesh_transport_failures_total")) === i + 1;
          await until(counted, `refusal ${i + 1} to be counted`);
        }
        await assert.rejects(dialLink(sidecar.linkPort, trusting(authority.leaf()), "http/1.1"), /alert|application protocol/i);
        await dialLink(sidecar.linkPort, trusting(authority.leaf()));
        assert.match(sidecar.readLog(), /link refused .*self-signed certificate in certificate chain|link refused .*unable to get local issuer/);
      });
    });
  });

  for (const [whose, setOf, reason] of [
    ["a stranger's", (authority, stranger) => ({ ca: authority.root + stranger.root, ...stranger.leaf() }), /self-signed|issuer/],
    ["one that has ended", (authority) => authority.set({ seconds: -60 }), /expired/],
  ]) {
    it(`${whose} certificate: its sidecar gets no link in either direction, until it has a good one`, async () => {
      await withAuthorities(2, async (authority, stranger) => {
        await withMesh(2, () => authority.set(), async (sidecars) => {
          const [first, second] = sidecars.all;
          await second.kill();
          const { counters } = await first.currentStatus();
          second.secret.publish(setOf(authority, stranger));
          await second.start();
          await until(async () => (await first.metric("socketmesh_transport_failures_total")) > 2, "refusals");
          const refusedDials = async () => (await first.currentStatus()).addresses.some(({ last_error }) => reason.test(last_error));
          await until(refusedDials, "a refusal of what it dialled");
          await until(() => /link refused .*peer certificate refused/.test(first.readLog()), "a refusal of who dialled it");
          const now = await first.currentStatus();
          assert.equal(now.counters.links_opened, counters.links_opened);
          assert.ok((await second.currentStatus()).links.every(({ state }) => state !== "linked"));
          second.secret.publish(authority.set());
          await sidecars.linked();
        });
      });
    });
  }
});

describe("the admin port", () => {
  it("answers over mTLS whom links would accept, and plain as before", async () => {
    await withAuthorities(2, async (authority, stranger) => {
      await withMesh(1, () => authority.set(), async (sidecars) => {
        const [{ adminPort }] = sidecars.all;
        const member = { ca: authority.root, ...authority.leaf() };
        const answer = await getByTls(adminPort, "/status", member);
        assert.equal(answer.status, 200);
        assert.equal(JSON.parse(answer.text).tls.bundle_sha256, sha256(authority.root));
        assert.equal((await getByTls(adminPort, "/healthz", member, { ALPNProtocols: ["h2", "http/1.1"] })).status, 200);

        await assert.rejects(getByTls(adminPort, "/status", { ca: authority.root }), /certificate required/i);
        await assert.rejects(getByTls(adminPort, "/status", { ca: authority.root, ...stranger.leaf() }), /unknown ca|decrypt error/i);
        const other = authority.leaf({ identity: "spiffe://socketmesh.io/ns/other/mesh/test" });
        await assert.rejects(getByTls(adminPort, "/status", { ca: authority.root, ...other }), /alert/i);
        await assert.rejects(getByTls(adminPort, "/status", member, { ALPNProtocols: ["socketmesh/1"] }), /no application protocol/i);
        await until(async () => (await sidecars.all[0].metric('socketmesh_admin_refused_total{reason="handshake"}')) === 4, "the count");

        for (const path of ["/healthz", "/readyz", "/metrics", "/"]) {
          assert.equal((await fetch(`http://127.0.0.1:${adminPort}${path}`)).status, 200);
        }
      });
    });
  });

  it("uses the certificates of now", async () => {
    await withAuthorities(2, async (old, next) => {
      await withMesh(1, () => old.set(), async (sidecars) => {
        const [{ adminPort }] = sidecars.all;
        await rotate(sidecars, () => next.set());
        assert.equal((await getByTls(adminPort, "/healthz", { ca: next.root, ...next.leaf() })).status, 200);
        await assert.rejects(getByTls(adminPort, "/healthz", { ca: next.root, ...old.leaf() }), /unknown ca|decrypt error/i);
      });
    });
  });
});

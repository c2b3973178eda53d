// The CRD's rules on a real API server: what tests/operator/api gives to the operator's parser.

import { readFile } from "node:fs/promises";
import { want } from "../lib/wait.mjs";

const FILE = new URL("../../tests/operator/api/refused.yaml", import.meta.url);
const EXPECTED = /^# server: (.*)$/m;

export const cases = [
  {
    name: "the CRD refuses what the parser refuses",
    async run({ ns, note }) {
      const [, ...documents] = (await readFile(FILE, "utf8")).split("\n---\n");
      for (const document of documents) {
        const expected = EXPECTED.exec(document)[1];
        const said = await ns.kubectl(["create", "--dry-run=server", "-f", "-"], { input: document }).then(
          () => "nothing",
          (error) => (error.stderr ?? error.message).replaceAll('\\"', '"'),
        );
        want(said.includes(expected), () => `expected "${expected}" about\n${document}\nbut it says ${said}`);
      }
      want(documents.length > 30, () => `only ${documents.length} documents`);
      note(`${documents.length} resources refused`);
    },
  },
];

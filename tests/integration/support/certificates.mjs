// Certificates as the operator makes them, by the openssl program; and the folder that a kubelet mounts.
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, readlinkSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const IDENTITY = "spiffe://socketmesh.io/ns/default/mesh/test";

const NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
// `openssl ca` is what sets dates to the second.
const CONFIG = `
[ca]
default_ca = mesh
[mesh]
database = index
new_certs_dir = .
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
copy_extensions = copy
[any]
commonName = supplied
`;

const date = (ms) => new Date(ms).toISOString().replace(/[-:T]|\..*/g, "") + "Z";

/** A root, and the leaves that it signs. Roots have one name, as if made one after another for one mesh. */
export class Authority {
  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), "socketmesh-ca-"));
    writeFileSync(join(this.directory, "ca.cnf"), CONFIG);
    writeFileSync(join(this.directory, "index"), "");
    this.#openssl("req", "-x509", ...NEW_KEY, "-days", "1", "-subj", "/CN=mesh", "-keyout", "ca.key", "-out", "ca.crt");
    this.root = this.#read("ca.crt");
  }

  /**
   * PEM texts of a new leaf. @param seconds of its life from now; negative: it ended then
   * @param identity its SAN URI
   */
  leaf({ seconds = 3600, identity = IDENTITY } = {}) {
    const names = `subjectAltName=URI:${identity}`;
    this.#openssl("req", ...NEW_KEY, "-subj", "/CN=leaf", "-addext", names, "-keyout", "leaf.key", "-out", "leaf.csr");
    const now = Date.now();
    const dates = ["-startdate", date(now - 300_000), "-enddate", date(now + seconds * 1000)];
    const signing = ["-batch", "-notext", "-config", "ca.cnf", "-cert", "ca.crt", "-keyfile", "ca.key"];
    this.#openssl("ca", ...signing, ...dates, "-in", "leaf.csr", "-out", "leaf.crt");
    return { cert: this.#read("leaf.crt"), key: this.#read("leaf.key") };
  }

  /** What a sidecar of a mesh with this one root is given. */
  set(options) {
    return { ca: this.root, ...this.leaf(options) };
  }

  remove() {
    rmSync(this.directory, { recursive: true, force: true });
  }

  #openssl(...args) {
    execFileSync("openssl", args, { cwd: this.directory, stdio: ["ignore", "ignore", "pipe"] });
  }

  #read(name) {
    return readFileSync(join(this.directory, name), "utf8");
  }
}

/** A mounted Secret: `..data` is swapped from one version to the next in one step, and the old one removed. */
export class MountedSecret {
  #version = 0;

  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder);
    for (const name of ["ca.crt", "tls.crt", "tls.key"]) symlinkSync(join("..data", name), join(folder, name));
  }

  publish({ ca, cert, key }) {
    const version = `..version-${++this.#version}`;
    mkdirSync(join(this.folder, version));
    for (const [name, text] of [["ca.crt", ca], ["tls.crt", cert], ["tls.key", key]]) {
      writeFileSync(join(this.folder, version, name), text);
    }
    symlinkSync(version, join(this.folder, "..data_tmp"));
    const data = join(this.folder, "..data");
    const before = this.#version > 1 ? readlinkSync(data) : undefined;
    renameSync(join(this.folder, "..data_tmp"), data);
    if (before) rmSync(join(this.folder, before), { recursive: true });
  }

  /** A plain file in the place of one link, as without a kubelet. */
  replace(name, text) {
    rmSync(join(this.folder, name));
    writeFileSync(join(this.folder, name), text);
  }
}

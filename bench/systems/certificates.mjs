// A certificate authority and one certificate of it, for the time of a run: P-256, as the operator
// issues them.
import { execFileSync } from "node:child_process";
import { join } from "node:path";

const kKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** Writes the files into `folder`; returns their paths as {ca, cert, key}. Throws without openssl. */
export function issueCertificate(folder) {
  const path = (name) => join(folder, name);
  const openssl = (...args) => execFileSync("openssl", args, { stdio: "pipe" });
  openssl(
    ...["req", "-x509", ...kKey, "-days", "2", "-subj", "/CN=socketmesh bench"],
    ...["-keyout", path("ca.key"), "-out", path("ca.crt")],
  );
  openssl(
    ...["req", ...kKey, "-subj", "/CN=sidecar", "-keyout", path("tls.key"), "-out", path("tls.csr")],
  );
  openssl(
    ...["x509", "-req", "-in", path("tls.csr"), "-days", "1", "-CA", path("ca.crt")],
    ...["-CAkey", path("ca.key"), "-CAcreateserial", "-out", path("tls.crt")],
  );
  return { ca: path("ca.crt"), cert: path("tls.crt"), key: path("tls.key") };
}

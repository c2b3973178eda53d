// At scale, by simulation (bench/native/scale): 50, 100 and 300 sidecars in virtual time, and what a
// thousand would need by the laws that the figures follow (docs/adr/0010-full-mesh.md).
import { NativeProgram, nativeMissing } from "../lib/native.mjs";
import { significant } from "../lib/stats.mjs";

const kProgram = "bench_scale";
const kSizes = [50, 100, 300];
const kQuickSizes = [10, 20];
const kExtrapolated = 1000;

// Of one sidecar, by the number n of sidecars: everything that it does with or keeps for each peer.
const kLinear = ["links", "start_bytes", "resident_kib", "rest_bytes_per_s", "join_bytes"];

export const name = "scale";

export async function run({ household, options, report, log }) {
  const reason = nativeMissing(kProgram);
  if (reason) {
    report.skipped.push({ suite: name, system: "socketmesh", reason });
    return;
  }
  for (const sidecars of options.quick ? kQuickSizes : kSizes) {
    const program = await NativeProgram.start(household, kProgram, ["--sidecars", sidecars]);
    try {
      const entry = { system: "socketmesh", ...JSON.parse(await program.line()) };
      report.scale.push(entry);
      log(
        `scale, ${sidecars} sidecars: together in ${entry.start_ms} ms, ` +
          `${entry.resident_kib} KiB each, ${entry.rest_bytes_per_s} B/s at rest`,
      );
    } catch (error) {
      report.failed.push({ suite: name, system: "socketmesh", reason: error.message });
      log(`scale, ${sidecars} sidecars: failed: ${error.message}`);
    } finally {
      await program.end();
    }
  }
  if (report.scale.length > 1) report.scale.push(extrapolated(report.scale, kExtrapolated));
}

/** A line through the last two sizes; what does not grow with n is what the last one had. */
export function extrapolated(measured, sidecars) {
  const [before, last] = measured.slice(-2);
  const entry = { ...last, sidecars, extrapolated: true };
  for (const key of kLinear) {
    const slope = (last[key] - before[key]) / (last.sidecars - before.sidecars);
    entry[key] = significant(last[key] + slope * (sidecars - last.sidecars));
  }
  delete entry.start_cpu_ms; // of the simulation, which does not grow as a sidecar does
  return entry;
}

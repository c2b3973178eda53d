// The table of docs/metrics.md, made from what a process exports.

/** Families of an exposition: name -> {type, help, labels}. */
export function families(exposition) {
  const all = new Map();
  for (const line of exposition.split("\n")) {
    const described = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (described) {
      const [, what, name, text] = described;
      const family = all.get(name) ?? { labels: new Set() };
      family[what.toLowerCase()] = text;
      all.set(name, family);
      continue;
    }
    const sample = /^(\w+)\{(.*)\}/.exec(line);
    if (!sample) continue;
    const family = all.get(sample[1]) ?? all.get(sample[1].replace(/_(bucket|sum|count)$/, ""));
    for (const [, label] of sample[2].matchAll(/(\w+)="/g)) {
      if (label !== "le" && label !== "quantile") family.labels.add(label);
    }
  }
  return all;
}

/** Rows of Markdown, sorted by name. */
export function table(exposition) {
  const rows = [...families(exposition)]
    .sort(([one], [two]) => (one < two ? -1 : 1))
    .map(([name, { type, help, labels }]) => `| \`${name}\` | ${type} | ${[...labels].join(", ")} | ${help} |`);
  return ["| metric | type | labels | |", "|---|---|---|---|", ...rows].join("\n");
}

/** The text between the marks `<!-- part -->` and `<!-- /part -->` of a page; throws without them. */
export function section(page, part) {
  const [open, close] = [`<!-- ${part} -->\n`, `\n<!-- /${part} -->`];
  const [start, end] = [page.indexOf(open), page.indexOf(close)];
  if (start < 0 || end < start) throw new Error(`no marks for '${part}'`);
  return { start: start + open.length, end, text: page.slice(start + open.length, end) };
}

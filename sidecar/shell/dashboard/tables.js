// Tables that are updated in place: rows keep their identity, and only changed text is written, so
// that a selection or a reader's place survives. Data becomes text nodes, never markup.

const kRowsMax = 200;

export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// columns: {title, text(row), tone?(row), number?, wrap?}. `key(row)` tells rows apart.
export class Table {
  constructor({ title, width, columns, key, none }) {
    this.columns = columns;
    this.key = key;
    this.none = none;
    this.rows = new Map();
    this.title = element("h2", {}, title);
    this.name = title;
    this.body = element("tbody");
    this.note = element("p", { className: "none" });
    const head = element("tr", {}, ...columns.map((column) =>
      element("th", { scope: "col", className: column.number ? "number" : "" }, column.title)));
    this.table = element("table", {}, element("thead", {}, head), this.body);
    this.table.setAttribute("aria-label", title);
    this.scroll = element("div", { className: "scroll", tabIndex: 0 }, this.table);
    this.element = element("div", { className: `card ${width ?? ""}` }, this.title, this.scroll, this.note);
  }

  update(list) {
    setText(this.title, list.length > 0 ? `${this.name} · ${list.length}` : this.name);
    const shown = list.slice(0, kRowsMax);
    const seen = new Set();
    shown.forEach((row, index) => {
      const key = this.key(row);
      seen.add(key);
      let known = this.rows.get(key);
      if (!known) {
        known = element("tr", {}, ...this.columns.map(() => element("td")));
        this.rows.set(key, known);
      }
      if (this.body.children[index] !== known) this.body.insertBefore(known, this.body.children[index] ?? null);
      this.fill(known, row);
    });
    for (const [key, known] of this.rows) {
      if (seen.has(key)) continue;
      known.remove();
      this.rows.delete(key);
    }
    this.scroll.hidden = list.length === 0;
    setText(this.note, list.length === 0 ? this.none
      : list.length > kRowsMax ? `and ${list.length - kRowsMax} more, see /status` : "");
    this.note.hidden = this.note.textContent === "";
  }

  fill(known, row) {
    this.columns.forEach((column, i) => {
      const cell = known.children[i];
      const text = String(column.text(row));
      setText(cell, text);
      const tone = column.tone?.(row) ?? "";
      cell.className = `${column.number ? "number" : ""} ${column.wrap ? "wrap" : ""} ${tone}`.trim();
      if (cell.title !== text && text.length > 24) cell.title = text;
    });
  }
}

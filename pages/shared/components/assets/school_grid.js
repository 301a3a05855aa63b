const MARK_MS = 3000 // how long a changed figure is highlighted
const grids = new WeakMap()

class SchoolGrid {
  constructor(parent) {
    this.parent = parent
    this.root = make("div", "root")
    // The live region is never redrawn: screen readers ignore a region that is inserted with its text.
    this.announcer = make("div", "visually-hidden")
    this.announcer.setAttribute("aria-live", "polite")
    parent.append(this.root, this.announcer)
  }

  render(bytes, setTriggerValue) {
    this.trigger = setTriggerValue
    const text = new TextDecoder().decode(bytes)
    if (text === this.text) return
    const before = new Map(this.data?.rows.flatMap(row => this.figures(this.data, row)))
    this.text = text
    this.data = JSON.parse(text)
    const focused = this.parent.activeElement?.dataset?.at
    const card = make("div", "card")
    if (this.data.empty) {
      const [title, hint] = this.data.empty
      const empty = make("div", "empty")
      empty.append(make("b", "", title), document.createTextNode(hint))
      card.append(empty)
    } else card.append(this.table())
    this.root.replaceChildren(card)
    if (!this.data.empty) this.root.append(make("p", "legend", this.data.legend))
    if (focused) this.find(focused)?.focus({ preventScroll: true })
    this.mark(before)
  }

  figures({ days }, row) {
    return row.cells.map((cell, index) => [`${row.id} ${days[index].date}`, cell])
  }

  find(at) {
    return this.root.querySelector(`[data-at="${CSS.escape(at)}"]`)
  }

  // Highlights and announces the figures that differ from those before.
  mark(before) {
    const changed = this.data.rows
      .flatMap(row => this.figures(this.data, row))
      .filter(([at, cell]) => before.has(at) && before.get(at).text !== cell.text)
    for (const [at] of changed) {
      const cell = this.find(at)
      cell.classList.add("changed")
      setTimeout(() => cell.classList.remove("changed"), MARK_MS)
    }
    const rest = changed.length > 5 ? `. And ${changed.length - 5} more` : ""
    if (changed.length) this.announcer.textContent = changed.slice(0, 5).map(([, cell]) => cell.label).join(". ") + rest
  }

  table() {
    const { days, rows, heading } = this.data
    const table = make("table")
    table.style.setProperty("--columns", days.length)
    const head = make("tr")
    const corner = make("th", "ground", "Ground")
    corner.scope = "col"
    head.append(corner)
    for (const day of days) {
      const th = make("th", day.today ? "day today" : "day")
      th.scope = "col"
      th.append(make("b", "", day.lines[0]), " ", day.lines[1])
      head.append(th)
    }
    const thead = make("thead")
    thead.append(head)
    const body = make("tbody")
    let group = ""
    for (const row of rows) {
      if (row.group && row.group !== group) body.append(this.group(row.group))
      group = row.group
      body.append(this.row(row))
    }
    table.append(make("caption", "visually-hidden", heading), thead, body)
    table.onkeydown = event => this.moveFocus(event)
    return table
  }

  // One heading above the layouts of the same ground, which exclude each other.
  group(name) {
    const tr = make("tr", "group")
    const th = make("th", "", name)
    th.scope = "rowgroup"
    th.colSpan = this.data.days.length + 1
    th.title = `${name}: what is booked on one of these also takes those that lie on it`
    tr.append(th)
    return tr
  }

  row(row) {
    const tr = make("tr", row.group ? "part" : "")
    const th = make("th", "", row.name)
    th.scope = "row"
    tr.append(th)
    row.cells.forEach((cell, index) => {
      const { date } = this.data.days[index]
      const button = make("button", `cell ${cell.kind}`)
      button.type = "button"
      button.dataset.at = `${row.id} ${date}`
      button.title = cell.label
      button.setAttribute("aria-label", cell.label)
      const [figure, ...word] = cell.text.split(" ")
      if (word.length && cell.share !== null) button.append(make("b", "", figure), ` ${word.join(" ")}`)
      else button.append(cell.text)
      if (cell.kind === "free" && cell.share !== null) {
        const bar = make("i")
        bar.style.setProperty("--share", cell.share)
        button.append(bar)
      }
      button.onclick = () => this.trigger("pick", { ground: row.id, date, start: "" })
      const td = make("td")
      td.append(button)
      tr.append(td)
    })
    return tr
  }

  // Arrow keys move the focus to the next cell in their direction.
  moveFocus(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key]
    const rows = [...this.root.querySelectorAll("tbody tr:not(.group)")].map(row => [...row.querySelectorAll("button")])
    const at = rows.findIndex(row => row.includes(event.target))
    if (!step || at < 0) return
    const next = rows[at + step[0]]?.[rows[at].indexOf(event.target) + step[1]]
    if (!next) return
    event.preventDefault()
    next.focus()
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  let grid = grids.get(parentElement)
  if (!grid) grids.set(parentElement, (grid = new SchoolGrid(parentElement)))
  grid.render(data, setTriggerValue)
}

const STATES = {
  free: ["Free", "free"], pending: ["Requested", "pending"], booked: ["Booked", "booked"],
  closed: ["Closed", "closed"], past: ["Past", "past"], unfit: ["Not for this booking", "past"],
}
const FORM = ".st-key-card_panel" // the booking form, outside this component
const MARK_MS = 3000 // how long a changed cell is highlighted
const grids = new WeakMap()

class Grid {
  constructor(parent) {
    this.root = make("div", "root")
    // The live region is never redrawn: screen readers ignore a region that is inserted with its text.
    this.announcer = make("div", "visually-hidden")
    this.announcer.setAttribute("aria-live", "polite")
    parent.append(this.root, this.announcer)
    this.parent = parent
    this.ground = 0 // index of the ground that a phone shows
    new ResizeObserver(() => (this.drawMore(), this.drawLine(), this.drawBar())).observe(this.root)
    addEventListener("scroll", () => this.drawBar(), { capture: true, passive: true })
    setInterval(() => this.drawLine(), 30000)
    this.marks = new Map() // cell key -> end of its highlight (ms of this page's clock)
  }

  render(bytes, setTriggerValue) {
    this.trigger = setTriggerValue
    const text = new TextDecoder().decode(bytes)
    if (text === this.text) return
    const old = this.data
    this.text = text
    const data = (this.data = JSON.parse(text))
    if (data.empty) {
      this.drawEmpty()
      return
    }
    const changes = old?.date === data.date ? this.changes(old) : []
    for (const [row, column] of changes) this.marks.set(this.key(row, column), performance.now() + MARK_MS)
    const pickedAt = data.grounds.findIndex(ground => ground.id === data.picked?.ground)
    const moved = pickedAt >= 0 && data.picked.ground !== old?.picked?.ground && pickedAt !== this.ground
    if (moved) this.ground = pickedAt
    else if (data.shows !== old?.shows) this.ground = Math.max(data.grounds.findIndex(ground => ground.id === data.shows), 0)
    // Most changes concern one or two cells: the other cells and the focus stay.
    if (old && this.frame(old) === this.frame(data)) this.patch(old)
    else this.drawAll()
    if (moved) this.show(pickedAt)
    this.clock = { now: data.now, at: performance.now() }
    this.drawLine()
    this.drawBar()
    if (changes.length) {
      const rest = changes.length > 5 ? `. And ${changes.length - 5} more` : ""
      this.announcer.textContent = changes.slice(0, 5).map(at => this.describe(...at)).join(". ") + rest
    }
  }

  // Everything outside the cells, as text to compare.
  frame({ date, heading, term, note, grounds, periods, live, empty, me, shows }) {
    return JSON.stringify([date, heading, term, note, grounds, periods, live, empty, me, shows])
  }

  changes(old) {
    const found = []
    this.data.cells.forEach((cells, row) =>
      cells.forEach(([state], column) => {
        const was = old.cells[row]?.[column]
        const same = old.grounds[column]?.id === this.data.grounds[column].id
        if (was && same && was[0] !== state && state !== "past") found.push([row, column])
      }))
    return found
  }

  key(row, column) {
    return `${this.data.date} ${this.data.grounds[column].id} ${this.data.periods[row].start}`
  }

  describe(row, column) {
    const [state] = this.data.cells[row][column]
    return `${this.data.grounds[column].name}, ${this.data.periods[row].time}: ${STATES[state][0]}`
  }

  // A picked slot that another user has booked meanwhile counts as booked. Of a booking that moves, the
  // server drops such a slot, and only the first cell of a slot is free.
  isPicked({ cells, grounds, periods, picked, freeOnly }, row, column) {
    return (freeOnly || cells[row][column][0] === "free") && picked?.ground === grounds[column].id &&
      picked.starts.includes(periods[row].start)
  }

  patch(old) {
    this.data.cells.forEach((cells, row) =>
      cells.forEach((cell, column) => {
        const same = cell.every((part, i) => part === old.cells[row][column][i])
        if (same && this.isPicked(this.data, row, column) === this.isPicked(old, row, column)) return
        const before = this.table.querySelector(`[data-at="${row}:${column}"]`)
        const focused = this.parent.activeElement === before
        const after = this.cell(row, column)
        before.replaceWith(after)
        if (focused) after.focus({ preventScroll: true })
      }))
  }

  drawEmpty() {
    const [title, hint] = this.data.empty
    const empty = make("div", "empty")
    empty.append(make("b", "", title), document.createTextNode(hint))
    const card = make("div", "card")
    card.append(empty)
    this.root.replaceChildren(card)
  }

  drawAll() {
    const { data } = this
    const focused = this.parent.activeElement?.dataset?.at
    const scrolled = this.root.querySelector(".scroll")?.scrollLeft ?? 0
    const stripScrolled = this.strip?.scrollLeft ?? 0
    this.strip = make("div", "strip")
    this.strip.setAttribute("role", "group")
    this.strip.setAttribute("aria-label", "Ground")
    data.grounds.forEach((ground, index) => {
      const chip = make("button", "", ground.name)
      chip.type = "button"
      chip.onclick = () => this.show(index)
      this.strip.append(chip)
    })
    this.table = make("table", "wide")
    this.table.style.setProperty("--grounds", data.grounds.length)
    this.table.append(make("caption", "visually-hidden", `Grounds on ${[data.heading, data.term].filter(Boolean).join(", ")}`), this.head(), this.body())
    this.table.onkeydown = event => this.moveFocus(event)
    const scroll = make("div", "scroll")
    scroll.append(this.table)
    scroll.onscroll = () => this.drawMore()
    this.scroll = scroll
    this.more = make("p", "more")
    const card = make("div", "card")
    const day = make("div", "day", data.heading)
    if (data.term) day.append(make("span", "term", data.term))
    card.append(day)
    if (data.note) card.append(make("p", "note", data.note))
    card.append(this.strip, scroll, this.more)
    this.bar = make("div", "bar")
    this.bar.setAttribute("role", "status")
    this.root.replaceChildren(card, this.legend(), this.bar)
    scroll.scrollLeft = scrolled
    this.strip.scrollLeft = stripScrolled
    this.show(Math.min(this.ground, data.grounds.length - 1))
    if (focused) this.table.querySelector(`[data-at="${focused}"]`)?.focus({ preventScroll: true })
  }

  head() {
    const head = make("tr")
    const corner = make("th", "period")
    const [near, date] = this.data.heading.split(", ")
    const day = make("span", "corner")
    day.setAttribute("aria-hidden", "true") // the caption repeats it
    day.append(make("b", "", near), date ?? "")
    if (this.data.term) {
      const term = make("span", "term", this.data.term)
      term.title = this.data.term
      day.append(term)
    }
    corner.append(make("span", "visually-hidden", "Period"), day)
    corner.scope = "col"
    head.append(corner)
    this.data.grounds.forEach((ground, index) => {
      const th = make("th", "ground")
      th.scope = "col"
      th.dataset.ground = index
      th.title = ground.name
      th.append(make("span", "", ground.name))
      head.append(th)
    })
    const thead = make("thead")
    if (this.data.grounds.some(ground => ground.group)) thead.append(this.groups())
    thead.append(head)
    return thead
  }

  // One heading above the layouts of the same ground, which exclude each other.
  groups() {
    const row = make("tr", "groups")
    row.append(make("td", "period"))
    const { grounds } = this.data
    for (let column = 0; column < grounds.length; ) {
      const { group } = grounds[column]
      let width = 1
      while (group && grounds[column + width]?.group === group) width++
      const cell = make(group ? "th" : "td", group ? "group" : "")
      if (group) {
        cell.scope = "colgroup"
        cell.title = `${group}: what is booked on one of these also takes those that lie on it`
        cell.append(make("span", "", group))
      }
      cell.colSpan = width
      row.append(cell)
      column += width
    }
    return row
  }

  body() {
    const body = make("tbody")
    this.data.periods.forEach((period, row) => {
      const tr = make("tr", period.past ? "over" : "")
      const th = make("th", "period")
      // A label with two halves of the day may break after its dash: "11:30 AM – 12:30 PM".
      const [start, end] = period.label.split(" – ")
      const times = make("span", "times")
      times.append(make("span", "time", end ? `${start} –` : start))
      if (end) times.append(" ", make("span", "time", end))
      if (period.name) th.append(make("span", "name", period.name))
      th.append(times)
      th.scope = "row"
      th.title = period.time
      if (period.now) th.append(make("span", "now", "now"))
      tr.append(th)
      this.data.grounds.forEach((_, column) => {
        const td = make("td")
        td.dataset.ground = column
        td.append(this.cell(row, column))
        tr.append(td)
      })
      body.append(tr)
    })
    return body
  }

  cell(row, column) {
    const { data } = this
    const ground = data.grounds[column]
    const period = data.periods[row]
    const [state, line, note, isPast, by] = data.cells[row][column]
    const picked = this.isPicked(data, row, column)
    const free = state === "free"
    // What is taken or closed tells who has it, or which rule; not in the dialog of a move.
    const pressable = free ? data.live : !data.freeOnly && state !== "past"
    const mine = by && by === data.me
    const cell = make(pressable ? "button" : "div", `cell ${isPast ? "past" : STATES[state][1]}`)
    if (picked) cell.className = "cell picked"
    if (mine) cell.classList.add("mine")
    cell.dataset.at = `${row}:${column}`
    cell.dataset.state = picked ? "picked" : state
    const title = picked ? "✓ Picked" : line
    cell.append(make("b", "", title))
    if (note) cell.append(make("small", "", note))
    const owner = mine ? "yours" : ""
    cell.title = [ground.name, period.time, title, note, owner].filter(Boolean).join(" · ")
    if (pressable) {
      cell.type = "button"
      const what = free ? [] : [line === STATES[state][0] ? "" : line, note, owner]
      const label = `${picked ? "Picked" : STATES[state][0]}: ${ground.name}, ${period.time}`
      cell.setAttribute("aria-label", [label, ...what].filter(Boolean).join(", "))
      if (free) cell.setAttribute("aria-pressed", picked)
      else cell.setAttribute("aria-haspopup", "dialog")
      cell.onclick = () => this.trigger("pick", { ground: ground.id, start: period.start })
    } else cell.tabIndex = -1 // keeps the focus of a cell that another user books, for the arrow keys
    const key = this.key(row, column)
    const left = (this.marks.get(key) ?? 0) - performance.now()
    if (left > 0) {
      cell.classList.add("changed")
      cell.style.animationDelay = `${left - MARK_MS}ms` // a redrawn cell continues the animation
      setTimeout(() => cell.classList.remove("changed"), left)
    } else this.marks.delete(key)
    return cell
  }

  // A line across the present period, at the present time.
  drawLine() {
    this.line?.remove()
    const row = this.data?.periods?.findIndex(period => period.now) ?? -1
    const tr = this.table?.tBodies[0]?.rows[row]
    if (!tr) return
    const { from, to } = this.data.periods[row]
    const now = this.clock.now + performance.now() - this.clock.at
    const share = Math.min(Math.max((now - from) / (to - from), 0), 1)
    this.line = make("div", "line")
    const { top, height } = tr.getBoundingClientRect()
    this.line.style.top = `${top - this.scroll.getBoundingClientRect().top + share * height - 1}px`
    this.scroll.append(this.line)
  }

  // Says how many grounds lie outside the window, if the table is wider than it.
  drawMore() {
    if (!this.scroll?.isConnected) return
    const end = this.scroll.scrollLeft + this.scroll.clientWidth
    const heads = [...this.table.querySelectorAll("th.ground")]
    const left = heads.filter(head => head.offsetParent && head.offsetLeft + head.offsetWidth > end + 8).length
    this.more.textContent = left ? `${left} more ${left > 1 ? "grounds" : "ground"} to the right: scroll sideways` : ""
    this.more.hidden = !left
  }

  // A form below the grid may be out of sight: the bar shows the picked slot and scrolls to the form.
  drawBar() {
    if (!this.bar) return
    const form = document.querySelector(FORM)?.getBoundingClientRect()
    const isOutOfSight = form && form.top > innerHeight - 120
    this.bar.hidden = !this.data?.choice || !isOutOfSight
    if (this.bar.hidden || this.bar.dataset.choice === this.data.choice) return
    this.bar.dataset.choice = this.data.choice
    const go = make("button", "", "Continue")
    go.type = "button"
    go.onclick = () => {
      const still = matchMedia("(prefers-reduced-motion: reduce)").matches
      document.querySelector(FORM)?.scrollIntoView({ behavior: still ? "instant" : "smooth" })
    }
    this.bar.replaceChildren(make("b", "", this.data.choice), go)
  }

  hasMine() {
    return this.data.cells.some(cells => cells.some(cell => cell[4] && cell[4] === this.data.me))
  }

  legend() {
    const legend = make("ul", "legend")
    for (const [name, label] of [["free", "Free: press to pick"], ["pending", "Requested, waiting for the principal"], ["booked", "Booked"], ["closed", "Closed"], ...(this.hasMine() ? [["mine", "Yours"]] : [])]) {
      const item = make("li")
      item.append(make("i", name), document.createTextNode(label))
      legend.append(item)
    }
    return legend
  }

  // Selects the ground that a phone shows; a wide window shows all grounds.
  show(index) {
    this.ground = index
    this.strip.querySelectorAll("button").forEach((chip, i) => chip.setAttribute("aria-pressed", i === index))
    this.table.querySelectorAll("[data-ground]").forEach(node =>
      node.classList.toggle("off", Number(node.dataset.ground) !== index))
  }

  // Arrow keys move the focus to the next free cell in their direction.
  moveFocus(event) {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key]
    const at = event.target.dataset?.at
    if (!step || !at) return
    let [row, column] = at.split(":").map(Number)
    for (;;) {
      row += step[0]
      column += step[1]
      const next = this.table.querySelector(`[data-at="${row}:${column}"]`)
      if (!next) return
      if (next.matches("button.free, button.picked") && next.offsetParent) {
        event.preventDefault()
        next.focus()
        return
      }
    }
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  let grid = grids.get(parentElement)
  if (!grid) grids.set(parentElement, (grid = new Grid(parentElement)))
  grid.render(data, setTriggerValue)
}

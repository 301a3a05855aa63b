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
    this.column = 0 // index of the column that a phone shows
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
    this.clock = { now: data.now, at: performance.now() }
    if (data.empty) {
      this.drawEmpty()
      return
    }
    const changes = old && !old.empty ? this.changes(old) : []
    for (const [row, column] of changes) this.marks.set(this.key(data, row, column), performance.now() + MARK_MS)
    const columnOf = id => data.columns.findIndex(column => column.id === id)
    const idOf = picked => (data.isWeek ? picked?.date : picked?.ground)
    const pickedAt = columnOf(idOf(data.picked))
    const isOtherView = data.isWeek !== old?.isWeek
    // A ground that a filter takes out moves those behind it.
    const kept = columnOf(old?.columns[this.column]?.id)
    if (pickedAt >= 0 && (idOf(data.picked) !== idOf(old?.picked) || isOtherView)) this.column = pickedAt
    else if (isOtherView || (data.shows && data.shows !== old?.shows)) this.column = Math.max(columnOf(data.shows), 0)
    else if (kept >= 0) this.column = kept
    // Most changes concern one or two cells: the other cells and the focus stay.
    if (old && !old.empty && this.frame(old) === this.frame(data)) this.patch(old)
    else this.drawAll()
    this.show(Math.min(this.column, data.columns.length - 1))
    if (data.ground !== old?.ground) this.showChosenGround()
    this.drawLine()
    this.drawBar()
    if (changes.length) {
      const rest = changes.length > 5 ? `. And ${changes.length - 5} more` : ""
      this.announcer.textContent = changes.slice(0, 5).map(at => this.describe(...at)).join(". ") + rest
    }
  }

  // Everything but the cells, as text to compare.
  frame(data) {
    const { cells, picked, choice, now, shows, ...rest } = data
    return JSON.stringify([rest, this.parts(data)])
  }

  changes(old) {
    const found = []
    this.data.cells.forEach((cells, row) =>
      cells.forEach((cell, column) => {
        const was = old.cells[row]?.[column]
        if (!cell || !was || cell[0] === "past" || cell[0] === was[0]) return
        if (this.key(old, row, column) === this.key(this.data, row, column)) found.push([row, column])
      }))
    return found
  }

  // The ground and the date of a column: the columns are grounds of one day, or days of one ground.
  placeOf({ isWeek, ground, date, columns }, column) {
    const { id } = columns[column]
    return isWeek ? { ground, date: id } : { ground: id, date }
  }

  key(data, row, column) {
    const { ground, date } = this.placeOf(data, column)
    return `${date} ${ground} ${data.periods[row].start}`
  }

  nameOf(column) {
    const { isWeek, title, columns } = this.data
    return isWeek ? `${title}, ${columns[column].name}` : columns[column].name
  }

  describe(row, column) {
    const [state] = this.data.cells[row][column]
    return `${this.nameOf(column)}, ${this.data.periods[row].time}: ${STATES[state][0]}`
  }

  // A picked slot that another user has booked meanwhile counts as booked. Of a booking that moves, the
  // server drops such a slot, and only the first cell of a slot is free.
  isPicked(data, row, column) {
    const { cells, periods, picked, freeOnly } = data
    if (!picked || !cells[row][column] || !(freeOnly || cells[row][column][0] === "free")) return false
    const { ground, date } = this.placeOf(data, column)
    return picked.ground === ground && picked.date === date && picked.starts.includes(periods[row].start)
  }

  patch(old) {
    this.data.cells.forEach((cells, row) =>
      cells.forEach((cell, column) => {
        const same = JSON.stringify(cell) === JSON.stringify(old.cells[row][column])
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
    this.redraw(() => {
      this.table = this.bar = this.scroll = null
      const card = make("div", "card")
      card.append(...this.grounds(), empty)
      this.root.replaceChildren(card)
    })
  }

  // Runs `draw`, after which the focus and the places to which the user has scrolled are as before.
  redraw(draw) {
    const { at, chip } = this.parent.activeElement?.dataset ?? {}
    const scrolled = [".scroll", ".strip"].map(name => [name, this.root.querySelector(name)?.scrollLeft ?? 0])
    draw()
    for (const [name, left] of scrolled) {
      const node = this.root.querySelector(name)
      if (node) node.scrollLeft = left
    }
    const name = at ? `[data-at="${at}"]` : chip && `[data-chip="${CSS.escape(chip)}"]`
    if (name) this.root.querySelector(name)?.focus({ preventScroll: true })
  }

  drawAll() {
    this.redraw(() => this.draw())
  }

  draw() {
    const { data } = this
    this.table = make("div", data.isWeek ? "wide of-week" : "wide")
    const parts = this.parts(data)
    const most = Math.max(...parts.map(part => part.columns.length))
    this.table.style.setProperty("--columns", most)
    for (const part of parts) {
      const table = make("table")
      table.style.setProperty("--share", part.columns.length / most)
      const about = [data.heading, data.term].filter(Boolean).join(", ")
      const names = parts.length > 1 ? part.columns.map(column => data.columns[column].name).join(", ") : "Grounds"
      const caption = data.title ? `${data.title}, ${about}` : `${names} on ${about}`
      table.append(make("caption", "visually-hidden", caption), this.head(part), this.body(part))
      this.table.append(table)
    }
    this.table.onkeydown = event => this.moveFocus(event)
    const scroll = make("div", "scroll")
    scroll.append(this.table)
    scroll.onscroll = () => this.drawMore()
    this.scroll = scroll
    this.more = make("p", "more")
    const card = make("div", "card")
    this.day = make("div", "day")
    card.append(this.day)
    if (data.note) card.append(make("p", "note", data.note))
    card.append(...this.grounds(), scroll, this.more)
    this.bar = make("div", "bar")
    this.bar.setAttribute("role", "status")
    this.root.replaceChildren(card, this.legend(), this.bar)
    this.show(Math.min(this.column, data.columns.length - 1))
  }

  // The grounds: of a day for a phone, of a week, which has one of them, for all windows.
  // A press says the ground and no more: the date of a strip that is not redrawn yet may be the one
  // of before the last press.
  grounds() {
    const { isWeek, columns, empty } = this.data
    if (empty && !isWeek) return []
    const grounds = isWeek ? this.data.grounds : columns
    const isChosen = (ground, index) => (isWeek ? ground.id === this.data.ground : index === this.column)
    this.strip = this.chips(isWeek ? "strip of-week" : "strip", "Ground", grounds, "id", isChosen, ground => [ground.name])
    grounds.forEach((ground, index) => {
      this.strip.children[index].onclick = () => {
        if (isWeek) this.trigger("pick", { ground: ground.id, date: "", start: "" })
        else this.show(index)
      }
    })
    return [this.strip]
  }

  // Scrolls the strip of a week sideways until its ground is in sight.
  showChosenGround() {
    const chosen = this.strip.querySelector("[aria-pressed=true]")?.getBoundingClientRect()
    const { left, right } = this.strip.getBoundingClientRect()
    if (chosen) this.strip.scrollLeft += Math.max(chosen.right - right, 0) || Math.min(chosen.left - left, 0)
  }

  chips(className, label, options, key, isChosen, content) {
    const group = make("div", className)
    group.setAttribute("role", "group")
    group.setAttribute("aria-label", label)
    options.forEach((option, index) => {
      const chip = make("button")
      chip.type = "button"
      chip.dataset.chip = option[key]
      chip.append(...content(option))
      if (option.name) chip.title = option.name
      chip.setAttribute("aria-pressed", isChosen(option, index))
      group.append(chip)
    })
    return group
  }

  // The columns and rows of each table: grounds with other periods have a table of their own. Of a
  // week there is one table, in which a day does not have each period.
  parts({ isWeek, columns, periods, cells }) {
    const all = { columns: columns.map((_, column) => column), rows: periods.map((_, row) => row), isFirst: true }
    if (isWeek) return [all]
    const parts = new Map()
    for (const column of all.columns) {
      const rows = all.rows.filter(row => cells[row][column])
      const key = String(rows)
      if (!parts.has(key)) parts.set(key, { columns: [], rows })
      parts.get(key).columns.push(column)
    }
    // The note above the tables names the grounds without periods.
    const [first, ...others] = [...parts.values()].filter(part => part.rows.length)
    return [{ ...first, isFirst: true }, ...others]
  }

  head(part) {
    const head = make("tr")
    const corner = make("th", "period")
    const [near, date] = this.data.distance ? [this.data.distance] : this.data.heading.split(", ")
    const day = make("span", "corner")
    day.setAttribute("aria-hidden", "true") // the caption repeats it
    day.append(make("b", "", near), date ?? "")
    if (this.data.term) {
      const term = make("span", "term", this.data.term)
      term.title = this.data.term
      day.append(term)
    }
    corner.append(make("span", "visually-hidden", "Period"))
    if (part.isFirst) corner.append(day)
    corner.scope = "col"
    head.append(corner)
    for (const index of part.columns) {
      const column = this.data.columns[index]
      const th = make("th", column.today ? "ground today" : "ground")
      th.scope = "col"
      th.dataset.column = index
      th.title = [column.heading ?? column.name, ...(column.notes ?? [])].join(", ")
      for (const line of column.lines ?? [column.name]) th.append(make("span", "", line), " ")
      for (const note of column.notes ?? []) th.append(make("span", "about", note), " ")
      head.append(th)
    }
    const thead = make("thead")
    const columns = part.columns.map(index => this.data.columns[index])
    if (columns.some(column => column.group)) thead.append(this.groups(columns))
    thead.append(head)
    return thead
  }

  // One heading above the layouts of the same ground, which exclude each other.
  groups(columns) {
    const row = make("tr", "groups")
    row.append(make("td", "period"))
    for (let column = 0; column < columns.length; ) {
      const { group } = columns[column]
      let width = 1
      while (group && columns[column + width]?.group === group) width++
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

  body(part) {
    const body = make("tbody")
    for (const row of part.rows) {
      const period = this.data.periods[row]
      const tr = make("tr", [period.past && "over", period.start === this.data.asked && "asked"].filter(Boolean).join(" "))
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
      tr.dataset.row = row
      for (const column of part.columns) {
        const td = make("td")
        td.dataset.column = column
        td.append(this.cell(row, column))
        tr.append(td)
      }
      body.append(tr)
    }
    return body
  }

  cell(row, column) {
    const { data } = this
    const period = data.periods[row]
    if (!data.cells[row][column]) {
      const none = make("div", "cell none")
      none.dataset.at = `${row}:${column}`
      none.append(make("span", "visually-hidden", "No such period"))
      return none
    }
    const [state, line, note, isPast, by, role] = data.cells[row][column]
    const name = this.nameOf(column)
    const picked = this.isPicked(data, row, column)
    const free = state === "free"
    const swaps = role === "swap"
    // What is taken or closed tells who has it, or which rule. In the dialog of a move, a booking can be
    // picked to swap with.
    const pressable = !data.readOnly && (free || swaps ? data.live : !data.freeOnly && state !== "past")
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
    cell.title = [name, period.time, title, note, owner].filter(Boolean).join(" · ")
    if (pressable) {
      cell.type = "button"
      const what = free ? [] : [line === STATES[state][0] ? "" : line, note, owner]
      const label = `${picked ? "Picked" : STATES[state][0]}: ${name}, ${period.time}`
      cell.setAttribute("aria-label", [label, ...what].filter(Boolean).join(", "))
      if (free || swaps) cell.setAttribute("aria-pressed", picked)
      else cell.setAttribute("aria-haspopup", "dialog")
      cell.onclick = () => this.trigger("pick", { ...this.placeOf(data, column), start: period.start })
    } else cell.tabIndex = -1 // keeps the focus of a cell that another user books, for the arrow keys
    if (role === "own" && data.live) this.drag(cell, row)
    if (data.freeOnly) this.drop(cell, row, column)
    const key = this.key(data, row, column)
    const left = (this.marks.get(key) ?? 0) - performance.now()
    if (left > 0) {
      cell.classList.add("changed")
      cell.style.animationDelay = `${left - MARK_MS}ms` // a redrawn cell continues the animation
      setTimeout(() => cell.classList.remove("changed"), left)
    } else this.marks.delete(key)
    return cell
  }

  // The booking that moves is dragged by a mouse; a press on a free cell does the same.
  drag(cell, row) {
    const own = this.data.cells.findIndex(cells => cells.some(one => one?.[5] === "own"))
    cell.draggable = true
    cell.classList.add("drags")
    cell.title = `${cell.title} · drag it to a free cell`
    cell.ondragstart = event => {
      this.dragged = row - own // it is held by a later one of its periods
      event.dataTransfer.effectAllowed = "move"
      event.dataTransfer.setData("text/plain", "")
    }
    cell.ondragend = () => {
      this.dragged = null
      this.target(null)
    }
  }

  drop(cell, row, column) {
    cell.ondragover = event => {
      const target = this.dragged == null ? null : this.table.querySelector(`[data-at="${row - this.dragged}:${column}"]`)
      const fits = target?.matches("button.free")
      this.target(fits ? target : null)
      if (fits) event.preventDefault()
    }
    cell.ondrop = event => {
      event.preventDefault()
      if (this.aimed?.isConnected) this.aimed.click()
    }
  }

  // Marks the cell at which the dragged booking would begin.
  target(cell) {
    this.aimed?.classList.remove("aimed")
    this.aimed = cell
    cell?.classList.add("aimed")
  }

  // A line across the present period of each table, at the present time.
  drawLine() {
    for (const line of this.root.querySelectorAll(".line")) line.remove()
    for (const tr of this.table?.querySelectorAll("tr[data-row]") ?? []) {
      const period = this.data.periods[tr.dataset.row]
      if (period.now) this.drawLineIn(tr, period)
    }
  }

  drawLineIn(tr, { from, to }) {
    const now = this.clock.now + performance.now() - this.clock.at
    const share = Math.min(Math.max((now - from) / (to - from), 0), 1)
    const line = make("div", "line")
    // In a week across the cell of today, of which a phone may show another day.
    const today = this.data.columns.findIndex(column => column.today)
    const at = today < 0 ? tr : tr.querySelector(`td[data-column="${today}"]`)
    const { top, left, width, height } = at.getBoundingClientRect()
    if (!height) return
    const frame = this.scroll.getBoundingClientRect()
    line.style.top = `${top - frame.top + share * height - 1}px`
    if (today >= 0) {
      line.style.left = `${left - frame.left + this.scroll.scrollLeft}px`
      line.style.width = `${width}px`
      line.style.right = "auto"
    }
    this.scroll.append(line)
  }

  // Says how many columns lie outside the window, if the table is wider than it.
  drawMore() {
    if (!this.scroll?.isConnected) return
    const end = this.scroll.scrollLeft + this.scroll.clientWidth
    const heads = [...this.table.querySelectorAll("th.ground")]
    const left = heads.filter(head => head.offsetParent && head.offsetLeft + head.offsetWidth > end + 8).length
    const what = this.data.isWeek ? "day" : "ground"
    this.more.textContent = left ? `${left} more ${what}${left > 1 ? "s" : ""} to the right: scroll sideways` : ""
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
    return this.data.cells.some(cells => cells.some(cell => cell?.[4] && cell[4] === this.data.me))
  }

  legend() {
    const legend = make("ul", "legend")
    const free = this.data.readOnly ? "Free" : "Free: press to pick"
    for (const [name, label] of [["free", free], ["pending", "Requested, waiting for the principal"], ["booked", "Booked"], ["closed", "Closed"], ...(this.hasMine() ? [["mine", "Yours"]] : [])]) {
      const item = make("li")
      item.append(make("i", name), document.createTextNode(label))
      legend.append(item)
    }
    return legend
  }

  // Selects the column that a phone shows; a wide window shows all of them.
  show(index) {
    this.column = index
    const { isWeek, columns, heading, term } = this.data
    if (!isWeek)
      this.strip.querySelectorAll("button").forEach((chip, i) => chip.setAttribute("aria-pressed", i === index))
    const shown = columns[index]
    this.day.textContent = isWeek ? shown.heading : heading
    const notes = isWeek ? shown.notes.join(", ") : ""
    if (notes || term) this.day.append(make("span", notes ? "about" : "term", notes || term))
    this.table.querySelectorAll("[data-column]").forEach(node =>
      node.classList.toggle("off", Number(node.dataset.column) !== index))
    for (const tr of this.table.querySelectorAll("tr[data-row]")) {
      const isShown = this.data.cells[tr.dataset.row][index] && tr.querySelector(`[data-column="${index}"]`)
      tr.classList.toggle("without", !isShown)
    }
    this.table.classList.toggle("elsewhere", Boolean(isWeek && !shown.today))
    this.drawLine()
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
      if (!this.data.cells[row] || !this.data.columns[column]) return
      const next = this.table.querySelector(`[data-at="${row}:${column}"]`)
      if (next?.matches("button.free, button.picked") && next.offsetParent) {
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

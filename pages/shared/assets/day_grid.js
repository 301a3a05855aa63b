const STATES = {
  free: ["Free", "free"], pending: ["Requested", "pending"], booked: ["Booked", "booked"],
  closed: ["Closed", "closed"], past: ["Past", "past"],
}
const chosenGround = new WeakMap()

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".root")
  if (!root) {
    root = make("div", "root")
    parentElement.appendChild(root)
  }
  root.classList.toggle("dark", isDark(parentElement))
  const text = JSON.stringify(data)
  const before = drawn.get(root)
  if (before?.text === text) return
  drawn.set(root, { text, data })

  const focused = parentElement.activeElement?.dataset?.at
  const scrolled = root.querySelector(".scroll")?.scrollLeft ?? 0
  const stripScrolled = root.querySelector(".strip")?.scrollLeft ?? 0
  // A cell is marked as changed only on the same day, seen through the same grounds.
  const old = before?.data.date === data.date ? before.data : null
  const card = make("div", "card")
  if (!data.periods.length || !data.grounds.length) {
    const empty = make("div", "empty")
    empty.append(make("b", "", data.empty[0]), document.createTextNode(data.empty[1]))
    card.append(empty)
    root.replaceChildren(card)
    return
  }

  let active = Math.min(chosenGround.get(root) ?? 0, data.grounds.length - 1)
  const pickedAt = data.grounds.findIndex(g => g.id === data.picked?.ground)
  if (pickedAt >= 0 && data.picked.ground !== before?.data.picked?.ground) active = pickedAt
  chosenGround.set(root, active)
  const strip = make("div", "strip")
  strip.setAttribute("role", "group")
  strip.setAttribute("aria-label", "Ground")
  data.grounds.forEach((ground, index) => {
    const chip = make("button", "", ground.name)
    chip.type = "button"
    chip.onclick = () => show(index)
    strip.append(chip)
  })

  const table = make("table", "wide")
  table.style.setProperty("--grounds", data.grounds.length)
  table.append(make("caption", "visually-hidden", `Grounds on ${data.heading}`))
  const head = make("tr")
  const corner = make("th", "period")
  corner.append(make("span", "visually-hidden", "Period"))
  corner.scope = "col"
  head.append(corner)
  data.grounds.forEach((ground, index) => {
    const th = make("th", "ground")
    th.scope = "col"
    th.dataset.ground = index
    th.title = ground.name
    th.append(make("span", "", ground.name))
    head.append(th)
  })
  const thead = make("thead")
  thead.append(head)
  const body = make("tbody")
  const changes = []
  data.periods.forEach((period, row) => {
    const tr = make("tr", period.past ? "over" : "")
    const th = make("th", "period", period.label)
    th.scope = "row"
    th.title = period.time
    if (period.now) th.append(make("span", "now", "now"))
    tr.append(th)
    data.grounds.forEach((ground, column) => {
      const [state, line, note, isPast] = data.cells[row][column]
      // A pick that somebody else took meanwhile is shown as theirs.
      const picked = state === "free" && data.picked?.ground === ground.id &&
        data.picked.starts.includes(period.start)
      const pressable = state === "free" && data.live
      const cell = make(pressable ? "button" : "div", `cell ${isPast ? "past" : STATES[state][1]}`)
      if (picked) cell.className = "cell picked"
      cell.dataset.at = `${row}:${column}`
      const title = picked ? "✓ Picked" : line
      cell.append(make("b", "", title))
      if (note) cell.append(make("small", "", note))
      cell.title = [ground.name, period.time, title, note].filter(Boolean).join(" · ")
      if (pressable) {
        cell.type = "button"
        cell.setAttribute("aria-pressed", picked)
        cell.setAttribute("aria-label", `${picked ? "Picked" : "Free"}: ${ground.name}, ${period.time}`)
        cell.onclick = () => setTriggerValue("pick", { ground: ground.id, start: period.start })
      }
      cell.dataset.state = picked ? "picked" : isPast && state === "past" ? "past" : state
      const was = old?.cells[row]?.[column]
      if (was && old.grounds[column]?.id === ground.id && was[0] !== state && state !== "past") {
        cell.classList.add("changed")
        changes.push(`${ground.name}, ${period.time}: ${STATES[state][0]}`)
      }
      const td = make("td")
      td.dataset.ground = column
      td.append(cell)
      tr.append(td)
    })
    body.append(tr)
  })
  table.append(thead, body)
  const scroll = make("div", "scroll")
  scroll.append(table)
  const legend = make("ul", "legend")
  for (const [name, label] of [["free", "Free: press to pick"], ["pending", "Requested, waiting for the principal"], ["booked", "Booked"], ["closed", "Closed"]]) {
    const item = make("li")
    item.append(make("i", name), document.createTextNode(label))
    legend.append(item)
  }
  card.append(strip, scroll)
  const spoken = make("div", "visually-hidden", changes.slice(0, 5).join(". "))
  spoken.setAttribute("aria-live", "polite")
  root.replaceChildren(card, legend, spoken)
  scroll.scrollLeft = scrolled
  strip.scrollLeft = stripScrolled

  function show(index) {
    chosenGround.set(root, index)
    strip.querySelectorAll("button").forEach((chip, i) => chip.setAttribute("aria-pressed", i === index))
    table.querySelectorAll("[data-ground]").forEach(node =>
      node.classList.toggle("off", Number(node.dataset.ground) !== index))
  }
  show(active)
  if (focused) table.querySelector(`[data-at="${focused}"]`)?.focus({ preventScroll: true })
  // Arrows walk the grid, as in any table of buttons.
  table.onkeydown = event => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key]
    const at = event.target.dataset?.at
    if (!step || !at) return
    let [row, column] = at.split(":").map(Number)
    for (;;) {
      row += step[0]
      column += step[1]
      const next = table.querySelector(`[data-at="${row}:${column}"]`)
      if (!next) return
      if (next.tagName === "BUTTON" && next.offsetParent) {
        event.preventDefault()
        next.focus()
        return
      }
    }
  }
}

const selections = new WeakMap()
// root -> the payload drawn last: an unchanged payload draws nothing.
const drawn = new WeakMap()
const presses = new Map() // id of a row -> the last press of one of its buttons
const DOUBLE_PRESS_MS = 700
const NEAR_PX = 12
// A press elsewhere in between, such as in a dialog, means that the next press is deliberate.
document.addEventListener("click", event => {
  if (!event.composedPath().some(node => node.dataset?.action)) presses.clear()
}, true)
document.addEventListener("keydown", event => event.key === "Escape" && presses.clear(), true)

export default function ({ data, parentElement, setTriggerValue }) {
  let root = parentElement.querySelector(".root")
  if (!root) {
    root = make("div", "root")
    parentElement.appendChild(root)
    selections.set(root, new Set())
  }
  const text = JSON.stringify(data)
  if (drawn.get(root) === text) return
  drawn.set(root, text)
  const selected = selections.get(root)
  const selectable = new Set(data.rows.filter(row => row.selectable).map(row => row.id))
  // A row may stand for several bookings, such as the dates of a series.
  const counts = new Map(data.rows.map(row => [row.id, row.count ?? 1]))
  for (const id of [...selected]) if (!selectable.has(id)) selected.delete(id)

  const focused = parentElement.activeElement?.dataset?.focus
  // The second press of a double press would repeat the action, or hit the button that has replaced the
  // first one. A press elsewhere in the row, or by a key, is deliberate.
  const isSecond = (action, before, { clientX, clientY, detail, timeStamp }) => {
    if (!before || timeStamp - before.timeStamp > DOUBLE_PRESS_MS) return false
    const isNear = Math.hypot(clientX - before.clientX, clientY - before.clientY) < NEAR_PX
    return action === before.action || (detail > 0 && isNear)
  }
  const act = (action, ids, event) => {
    if (ids.some(id => isSecond(action, presses.get(id), event))) return
    const { clientX, clientY, timeStamp } = event
    ids.forEach(id => presses.set(id, { action, clientX, clientY, timeStamp }))
    setTriggerValue("act", { action, ids })
  }
  const button = (action, ids, key) => {
    const node = make("button", `act ${action.tone ?? ""}`, action.label)
    node.type = "button"
    node.disabled = !data.live
    node.dataset.focus = key
    node.dataset.action = action.name
    if (action.about) node.setAttribute("aria-label", action.about)
    node.onclick = event => act(action.name, ids, event)
    return node
  }

  const table = make("table", data.kind ?? "")
  table.append(make("caption", "visually-hidden", data.caption))
  const head = make("tr")
  const checks = selectable.size > 0
  let all = null
  if (checks) {
    const th = make("th", "check")
    th.scope = "col"
    all = make("input")
    all.type = "checkbox"
    all.dataset.focus = "check:all"
    all.onchange = () => {
      selectable.forEach(id => (all.checked ? selected.add(id) : selected.delete(id)))
      update()
    }
    const tick = make("label", "tick")
    tick.append(all, make("span", "", "Select all"))
    th.append(tick)
    head.append(th)
  }
  for (const column of data.columns) {
    const th = make("th", column === data.columns[0] ? "first" : "", column)
    th.scope = "col"
    head.append(th)
  }
  const last = make("th")
  last.scope = "col"
  last.className = "actions"
  last.append(make("span", "visually-hidden", "Actions"))
  head.append(last)
  const thead = make("thead")
  thead.append(head)
  const body = make("tbody")
  const boxes = new Map()
  for (const row of data.rows) {
    const tr = make("tr", row.selectable ? "checkable" : "")
    tr.dataset.id = row.id
    tr.tabIndex = -1 // takes the focus when its focused button is gone
    if (checks) {
      const td = make("td", "check")
      if (row.selectable) {
        const box = make("input")
        box.type = "checkbox"
        box.dataset.focus = `check:${row.id}`
        box.setAttribute("aria-label", `Select ${row.about}`)
        box.onchange = () => {
          if (box.checked) selected.add(row.id)
          else selected.delete(row.id)
          update()
        }
        boxes.set(row.id, box)
        const tick = make("label", "tick")
        tick.append(box)
        td.append(tick)
      }
      tr.append(td)
    }
    for (const [index, [main, under, tone, note]] of row.cells.entries()) {
      const td = make("td", index ? "" : "first")
      if (tone?.startsWith("chip")) {
        td.append(make("span", tone, main))
        if (under) td.append(make("small", "", under))
      } else {
        td.append(under ? make("b", "", main) : document.createTextNode(main))
        if (under) td.append(make("small", tone ?? "", under))
      }
      if (note) {
        const line = make("small", "note", note)
        line.title = note // the line may be cut off
        td.append(line)
      }
      tr.append(td)
    }
    const td = make("td", "actions")
    row.actions.forEach(action => td.append(button(action, [row.id], `${action.name}:${row.id}`)))
    tr.append(td)
    body.append(tr)
  }
  table.append(thead, body)
  const card = make("div", "card")
  card.append(table)
  const bar = make("div", "bar")
  bar.setAttribute("role", "status")
  root.replaceChildren(card, bar)

  function update() {
    boxes.forEach((box, id) => (box.checked = selected.has(id)))
    if (all) {
      all.checked = selected.size > 0 && selected.size === selectable.size
      all.indeterminate = selected.size > 0 && !all.checked
    }
    bar.hidden = selected.size === 0
    bar.style.display = bar.hidden ? "none" : ""
    const ids = [...selectable].filter(id => selected.has(id))
    const count = ids.reduce((sum, id) => sum + counts.get(id), 0)
    bar.replaceChildren(
      make("b", "", `${count} selected`), make("span"),
      ...data.bulk.map(action => {
        const many = { ...action, label: action.label.replace("{}", count) }
        return button(many, ids, `bulk:${action.name}`)
      }))
  }
  update()
  if (focused) findFocusable(root, focused)?.focus({ preventScroll: true })
}

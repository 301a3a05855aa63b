const strips = new WeakMap()

class DayStrip {
  constructor(parent) {
    this.parent = parent
    this.root = make("div", "root")
    parent.append(this.root)
    new ResizeObserver(() => this.fade()).observe(this.root)
  }

  render(bytes, setTriggerValue) {
    this.trigger = setTriggerValue
    const text = new TextDecoder().decode(bytes)
    if (text === this.text) return
    const before = this.data
    this.text = text
    this.data = JSON.parse(text)
    const focused = this.parent.activeElement?.dataset?.date
    const scrolled = this.row?.scrollLeft ?? 0
    this.draw()
    this.row.scrollLeft = scrolled
    if (focused) this.find(focused)?.focus({ preventScroll: true })
    if (this.data.chosen !== before?.chosen || this.data.days[0].date !== before.days[0].date) this.showChosen()
    this.fade()
  }

  // The days fade out at the end behind which there are more.
  fade() {
    if (!this.row) return
    const { scrollLeft, clientWidth, scrollWidth } = this.row
    this.row.classList.toggle("before", scrollLeft > 8)
    this.row.classList.toggle("behind", scrollLeft + clientWidth < scrollWidth - 8)
  }

  find(date) {
    return this.row.querySelector(`[data-date="${date}"]`)
  }

  draw() {
    const { days, chosen, counts } = this.data
    this.row = make("div", "days")
    this.row.setAttribute("role", "toolbar")
    this.row.setAttribute("aria-label", `Days. ${counts}`)
    // One stop of the Tab key for all days; the arrow keys go from day to day.
    const stop = (days.find(day => day.date === chosen && day.open) ?? days.find(day => day.open))?.date
    for (const day of days) this.row.append(this.day(day, day.date === chosen, day.date === stop))
    this.row.onscroll = () => this.fade()
    this.row.onkeydown = event => this.moveFocus(event)
    this.root.replaceChildren(make("p", "counts", counts), this.row)
  }

  day(day, isChosen, isStop) {
    const button = make("button", [day.kind, day.starts].filter(Boolean).join(" "))
    button.type = "button"
    button.dataset.date = day.date
    button.disabled = !day.open
    button.tabIndex = isStop ? 0 : -1
    button.title = day.label
    button.setAttribute("aria-label", day.label)
    button.setAttribute("aria-pressed", isChosen)
    const bar = make("i")
    bar.style.setProperty("--share", day.share)
    const short = make("span", day.short.length > 1 ? "short month" : "short", day.short)
    button.append(make("span", "long", day.weekday), short, make("b", "", day.number), bar)
    button.onclick = () => this.trigger("pick", day.date)
    return button
  }

  // Scrolls sideways until the chosen day is in sight, and the days beside it.
  showChosen() {
    const chosen = this.find(this.data.chosen)
    if (!chosen) return
    const { left, right, width } = chosen.getBoundingClientRect()
    const row = this.row.getBoundingClientRect()
    if (left - width < row.left) this.row.scrollLeft += left - width - row.left
    else if (right + width > row.right) this.row.scrollLeft += right + width - row.right
  }

  // Arrow keys move the focus by a day, up and down by a week.
  moveFocus(event) {
    const open = [...this.row.querySelectorAll("button:not(:disabled)")]
    const at = open.indexOf(event.target)
    const to = { ArrowLeft: at - 1, ArrowRight: at + 1, ArrowUp: at - 7, ArrowDown: at + 7, Home: 0, End: open.length - 1 }[event.key]
    if (to === undefined || at < 0) return
    event.preventDefault()
    if (!open[to]) return
    event.target.tabIndex = -1
    open[to].tabIndex = 0
    open[to].focus()
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  let strip = strips.get(parentElement)
  if (!strip) strips.set(parentElement, (strip = new DayStrip(parentElement)))
  strip.render(data, setTriggerValue)
}

// The wall display. Its clock is the server's, from the last heartbeat. Without heartbeats the last
// drawing stays. Longer than 300 lines, because a component has one script.
const TIMEOUT_MS = 10000 // without a heartbeat for this long, the display is not live
const CHANGED_MS = 10000 // how long a changed card is highlighted
const LOST_MS = 15000 // without a message for this long, the display checks whether the server answers
const CHECK_MS = 3000 // between two such checks
const RECOVERY_MS = 8000 // time for Streamlit to reconnect by itself before the page is reloaded
const MIN_TEXT = 0.025 // of the screen's height: legible from 5 m
const LATER = 5 // lines of the list of later bookings, if the display shows one ground
const SVG = "http://www.w3.org/2000/svg"
const RELOADS = "ground-booking.reloads"
const walls = new WeakMap()

class Wall {
  constructor(parent) {
    this.root = make("div", "root")
    parent.appendChild(this.root)
    this.changes = new Map() // id of a ground -> end of its card's highlight (ms of this page's clock)
    this.onHeartbeat = event => this.receive(event.detail)
    this.onResize = () => this.draw(true)
    addEventListener("ground-booking:heartbeat", this.onHeartbeat)
    addEventListener("resize", this.onResize)
    document.fonts.addEventListener("loadingdone", this.onResize)
    if (window.groundBookingHeartbeat) this.receive(window.groundBookingHeartbeat)
    window.groundBookingReload = () => location.reload() // for the live client
  }

  stop() {
    this.root.remove()
    clearTimeout(this.timer)
    delete window.groundBookingReload
    removeEventListener("ground-booking:heartbeat", this.onHeartbeat)
    removeEventListener("resize", this.onResize)
    document.fonts.removeEventListener("loadingdone", this.onResize)
  }

  receive({ now, at, heard, by }) {
    this.heartbeat = { now, at, heard }
    if (by !== "push") this.servedAt = heard // it came through Streamlit
  }

  // The server's clock, in epoch ms; this display's own clock may be wrong by hours.
  now() {
    return this.heartbeat.now + performance.now() - this.heartbeat.heard
  }

  // Heartbeats by push do not count: that connection can outlive Streamlit's, which brings the drawings.
  get isServed() {
    return performance.now() - this.servedAt <= this.data.stale_ms
  }

  get isLive() {
    const isRecent = performance.now() - this.heartbeat.heard <= TIMEOUT_MS
    return isRecent && this.now() - this.heartbeat.at <= TIMEOUT_MS && this.isServed
  }

  render(data) {
    if (data.now !== this.data?.now) {
      const heard = performance.now()
      this.servedAt = heard
      // A payload is a heartbeat too, but those of the live client are newer.
      if (!this.heartbeat || heard - this.heartbeat.heard > TIMEOUT_MS / 2 || data.now > this.now())
        this.receive({ now: data.now, at: data.at, heard })
    }
    this.highlightChanges(data)
    this.data = data
    this.draw()
    this.tick()
  }

  // Highlights the cards that differ from the previous payload of the same day.
  highlightChanges(data) {
    const known = this.known?.day === data.day ? this.known.marks : {}
    const marks = { ...known }
    for (const card of data.cards) {
      if (known[card.id] !== undefined && known[card.id] !== card.mark)
        this.changes.set(card.id, performance.now() + CHANGED_MS)
      marks[card.id] = card.mark
    }
    this.known = { day: data.day, marks }
  }

  tick() {
    clearTimeout(this.timer)
    for (const [id, until] of this.changes) if (until <= performance.now()) this.changes.delete(id)
    this.draw()
    this.update()
    this.reloadIfLost()
    // At the server's full second, so that all displays turn their pages together.
    this.timer = setTimeout(() => this.tick(), 1000 - (this.now() % 1000) + 5)
  }

  // Redraws everything, unless nothing has changed and `force` is false.
  draw(force = false) {
    if (!this.data) return
    const { now, at, ...data } = this.data
    if (innerWidth <= 700) data.per_page = data.cards.length || 1 // a telephone scrolls
    const pages = Math.max(1, Math.ceil(data.cards.length / data.per_page))
    const page = Math.floor(this.now() / 1000 / data.page_seconds) % pages
    const drawn = JSON.stringify([data, page, [...this.changes.keys()]])
    if (!force && drawn === this.drawn) return
    this.drawn = drawn
    this.lefts = []
    this.wall = make("main", `wall ${data.theme}`)
    this.wall.append(this.header(data, page, pages))
    this.wall.append(data.cards.length ? this.grid(data, page) : empty(data.empty))
    this.wall.append(footer(data))
    this.root.replaceChildren(this.wall)
    fit(this.wall)
    this.update()
  }

  header(data, page, pages) {
    const header = make("header")
    const title = make("div", "title")
    const date = make("div", "date", data.date)
    if (data.term) date.append(make("span", "term", data.term))
    if (pages > 1) {
      const mark = make("span", "page", `Page ${page + 1} of ${pages}`)
      for (let n = 0; n < pages; n++) mark.append(make("i", n === page ? "here" : ""))
      date.append(mark)
    }
    title.append(make("h1", "", data.title), date)
    this.live = make("div", "live")
    this.status = make("b")
    this.status.setAttribute("role", "status") // not the time: it would be announced every second
    this.since = make("span")
    this.live.append(this.status, this.since)
    this.clock = make("div", "clock")
    this.clock.append(make("span"), make("small"))
    if (data.logo) header.append(logo(data.logo))
    header.append(title, this.live, this.clock)
    if (data.code) header.append(code(data.code))
    return header
  }

  grid(data, page) {
    const cards = data.cards.slice(page * data.per_page, (page + 1) * data.per_page)
    const columns = columnsFor(cards.length, innerHeight > innerWidth)
    const grid = make("div", `grid of-${columns}`)
    grid.style.setProperty("--columns", columns)
    grid.style.setProperty("--rows", Math.ceil(cards.length / columns))
    this.marks = []
    for (const card of cards) grid.append(this.card(card))
    if (data.later.length) grid.firstChild.append(later(data.later))
    return grid
  }

  card(card) {
    const changed = this.changes.has(card.id)
    const article = make("article", `ground is-${card.state}${changed ? " changed" : ""}`)
    const inner = make("div", "inner")
    const top = make("div", "top")
    top.append(make("div", "name fit", card.name))
    const left = make("span", "left")
    if (card.ends) this.lefts.push([left, card.ends])
    const tall = innerHeight > innerWidth // a narrow card has no room for `left` in the last line
    if (changed) top.append(make("span", "news", "Just changed"))
    else if (tall) top.append(left)
    const detail = make("div", "detail")
    if (card.who || card.tag) {
      const who = make("div", "who")
      if (card.tag) who.append(make("b", "tag", card.tag))
      if (card.who) who.append(make("span", "clip", card.who))
      detail.append(who)
    }
    const when = make("div", "when")
    when.append(make("span", "clip", card.until))
    if (!tall) when.append(left)
    detail.append(when)
    if (card.parts.length) inner.append(top, parts(card.parts))
    else inner.append(top, make("div", "what fit", card.what), detail, next(card.next))
    inner.append(this.strip(card))
    article.append(inner)
    return article
  }

  strip(card) {
    const strip = make("div", "strip")
    strip.setAttribute("role", "img")
    strip.setAttribute("aria-label", card.about)
    for (const state of card.strip) strip.append(make("i", state))
    const mark = make("u")
    this.marks.push([mark, card.periods])
    strip.append(mark)
    return strip
  }

  // Updates clock, times left and the marks of the present, without a redraw.
  update() {
    if (!this.wall) return
    const now = this.now()
    const live = this.isLive
    const { zone, clock } = this.data
    this.wall.classList.toggle("away", !live)
    const [minute, half] = time(now, zone, clock).split(" ") // 24 hours have no half
    write(this.clock.firstChild, minute.slice(0, -3))
    write(this.clock.lastChild, half ? ` ${half}` : "")
    write(this.status, live ? "Live" : "Not live")
    const known = this.isServed ? this.heartbeat.at : this.data.at
    const at = known ? ` ${time(known, zone, clock)}` : ""
    write(this.since, live ? ` updated${at}` : at && ` since${at}`)
    for (const [node, ends] of this.lefts) write(node, left(ends - now))
    for (const [mark, periods] of this.marks ?? []) {
      const place = progress(periods, now)
      mark.hidden = place === null
      if (place !== null) mark.style.left = `${(place * 100).toFixed(2)}%`
    }
  }

  // Streamlit reconnects by itself after most failures. If it does not, although the server answers
  // again, the page is reloaded, because nobody is there to reload it.
  reloadIfLost() {
    const silentMs = performance.now() - Math.max(this.heartbeat.heard, this.servedAt)
    // A hidden page gets no drawings and needs no reload.
    if (document.hidden || (silentMs <= LOST_MS && this.isServed)) {
      this.answeringSince = null
      if (performance.now() > 60000) sessionStorage.removeItem(RELOADS)
      return
    }
    if (this.isChecking || performance.now() - (this.checkedAt ?? 0) < CHECK_MS) return
    this.isChecking = true
    this.checkedAt = performance.now()
    fetch(new URL("_stcore/health", location.href), { cache: "no-store", signal: AbortSignal.timeout(5000) })
      .then(answer => answer.ok)
      .catch(() => false)
      .then(ok => {
        this.isChecking = false
        this.answeringSince = ok ? (this.answeringSince ?? performance.now()) : null
        const reloads = Number(sessionStorage.getItem(RELOADS))
        if (!ok || performance.now() - this.answeringSince < RECOVERY_MS * 2 ** Math.min(reloads, 3)) return
        sessionStorage.setItem(RELOADS, reloads + 1)
        location.reload()
      })
  }
}

const logo = ({ address, name }) => {
  const picture = make("img", "logo")
  picture.src = address
  picture.alt = name
  return picture
}

const columnsFor = (count, tall) => {
  if (tall) return count > 6 ? 2 : 1
  if (count === 4) return 2
  return count > 6 && count !== 9 ? 4 : Math.min(count, 3)
}

// A line for each layout of a ground of which several are in use.
const parts = lines => {
  const list = make("ul", "parts")
  for (const [name, state, what, until] of lines) {
    const item = make("li", `is-${state}`)
    item.append(make("b", "", name), make("span", "clip", [what, until].filter(Boolean).join(" ")))
    list.append(item)
  }
  return list
}

const next = ({ word, time, who, text, tag }) => {
  const line = make("div", "next")
  if (word) line.append(make("span", "word", word))
  if (time) line.append(make("b", "", time))
  if (who) line.append(make("span", "by", who))
  if (text) line.append(make("span", "clip", text))
  if (tag) line.append(make("em", "", tag))
  return line
}

const later = entries => {
  const list = make("div", "later")
  list.append(make("h2", "", "Later today"))
  const shown = entries.length > LATER ? entries.slice(0, LATER - 1) : entries
  for (const { state, time, text, who, tag } of shown) {
    const entry = make("div", `entry ${state}`)
    const what = make("div", "clip", text)
    const below = make("div", "clip", who)
    if (tag) below.prepend(make("em", "", "Requested"), who ? "  " : "")
    const words = make("div", "words")
    words.append(what, below)
    entry.append(make("b", "", time), words)
    list.append(entry)
  }
  if (shown.length < entries.length) list.append(make("p", "", `and ${entries.length - shown.length} more`))
  return list
}

const empty = ([title, text]) => {
  const none = make("div", "none")
  none.append(make("h2", "", title), make("p", "", text))
  return none
}

const code = ({ size, path, address }) => {
  const box = make("div", "code")
  const svg = document.createElementNS(SVG, "svg")
  svg.setAttribute("viewBox", `-3 -3 ${size + 6} ${size + 6}`)
  svg.setAttribute("role", "img")
  svg.setAttribute("aria-label", address)
  const modules = document.createElementNS(SVG, "path")
  modules.setAttribute("d", path)
  svg.append(modules)
  box.append(svg, make("span", "", "Book: scan"))
  return box
}

const footer = data => {
  const footer = make("footer")
  const legend = [["booked", "Booked"], ["pending", "Requested"], ["", "Free"], ["closed", "Closed"]]
  for (const [name, label] of data.cards.length ? legend : []) {
    const item = make("span")
    item.append(make("i", name), document.createTextNode(label))
    footer.append(item)
  }
  if (data.book) footer.append(way(data))
  footer.append(make("span", "note", data.note))
  return footer
}

// For a signed-in user: back to Book, and the choice of one ground, which the address keeps.
const way = ({ book, choices, only }) => {
  const way = make("nav")
  const link = make("a", "", "Back to Book")
  link.href = book
  const choice = make("select")
  choice.setAttribute("aria-label", "Grounds to show")
  for (const [id, name] of [["", "All grounds"], ...choices]) {
    const option = make("option", "", name)
    option.value = id
    choice.append(option)
  }
  choice.value = only ?? ""
  choice.onchange = () => {
    const address = new URL(location.href)
    if (choice.value) address.searchParams.set("ground", choice.value)
    else address.searchParams.delete("ground")
    location.assign(address)
  }
  const codes = make("a", "", "QR codes to print")
  codes.href = book.replace(/book$/, "codes")
  const sheet = make("a", "", "Print this day")
  sheet.href = book.replace(/book$/, "day-sheet")
  way.append(link, choice, sheet, codes)
  return way
}

// Shrinks long names down to a minimum; longer ones end in an ellipsis. The line about the next
// booking leaves out its first word, on all cards alike, then the student or class.
const fit = wall => {
  const lines = [...wall.querySelectorAll(".next")]
  const clipped = line => [...line.querySelectorAll(".clip, .by")].some(part => part.scrollWidth > part.clientWidth)
  if (lines.some(clipped)) wall.classList.add("terse")
  for (const line of lines.filter(clipped)) line.classList.add("brief")
  const nodes = [...wall.querySelectorAll(".fit")].map(node => {
    const { fontSize, lineHeight } = getComputedStyle(node)
    return [node, node.clientWidth, node.scrollWidth, parseFloat(fontSize), lineHeight]
  })
  for (const [node, room, wanted, size, lineHeight] of nodes) {
    if (wanted <= room) continue
    node.style.lineHeight = lineHeight // keeps the lines below level with those of other cards
    const least = node.classList.contains("name") ? size * 0.8 : Math.max(size * 0.55, innerHeight * MIN_TEXT)
    node.style.fontSize = `${Math.max((size * room) / wanted, Math.min(size, least))}px`
  }
}

const write = (node, text) => {
  if (node.textContent !== text) node.textContent = text
}

const formats = new Map()
// "10:12:07 AM" or "10:12:07", by the pattern `clock`.
const time = (moment, zone, clock) => {
  const key = `${zone} ${clock}`
  if (!formats.has(key)) formats.set(key, clockOf(zone, clock))
  return formats.get(key)(moment)
}

// Rounded up: "1 min left" until the very end.
const left = ms => {
  const minutes = Math.max(Math.ceil(ms / 60000), 0)
  if (!minutes) return "ends now"
  const hours = Math.floor(minutes / 60)
  return [hours && `${hours} h`, minutes % 60 && `${minutes % 60} min`, "left"].filter(Boolean).join(" ")
}

// The position of the present on the strip, 0 to 1, where all periods are equally wide; null outside the day.
const progress = (periods, now) => {
  for (const [index, [start, end]] of periods.entries()) {
    if (now < start) return index ? index / periods.length : null
    if (now < end) return (index + (now - start) / (end - start)) / periods.length
  }
  return null
}

export default function ({ data, parentElement }) {
  let wall = walls.get(parentElement)
  if (!wall) walls.set(parentElement, (wall = new Wall(parentElement)))
  wall.render(data)
  return () => {
    wall.stop()
    walls.delete(parentElement)
  }
}

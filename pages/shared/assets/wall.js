export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(".root")
  if (!root) {
    root = make("div", "root")
    parentElement.appendChild(root)
  }
  const text = JSON.stringify(data)
  if (drawn.get(root)?.text === text) return
  drawn.set(root, { text })
  const wall = make("main", `wall ${data.live ? "" : "away"} ${isDark(parentElement) ? "" : "light"}`)

  const header = make("header")
  const title = make("div")
  title.append(make("h1", "", data.title), make("div", "date", data.heading))
  const live = make("div", "live")
  live.setAttribute("role", "status")
  live.append(make("b", "", data.live ? "Live" : "Not live"), document.createTextNode(` ${data.freshness}`))
  header.append(title, live, make("div", "clock", data.clock))
  wall.append(header)

  if (!data.cards.length) {
    const none = make("div", "none")
    none.append(make("b", "", data.empty[0]), document.createTextNode(data.empty[1]))
    wall.append(none)
  } else {
    const grid = make("div", "grid")
    const tall = innerHeight > innerWidth
    const count = data.cards.length
    grid.style.setProperty("--columns", tall ? (count > 4 ? 2 : 1) : count > 6 ? 4 : Math.min(count, 3))
    for (const card of data.cards) {
      const article = make("article", `ground is-${card.state}`)
      const inner = make("div", "inner")
      const line = make("div", "line")
      line.append(make("span", "", card.detail))
      if (card.left) line.append(make("span", "", card.left))
      const strip = make("div", "strip")
      strip.setAttribute("role", "img")
      strip.setAttribute("aria-label", card.day)
      card.strip.forEach(state => strip.append(make("i", state)))
      if (data.progress !== null) {
        const mark = make("u")
        mark.style.left = `${data.progress * 100}%`
        strip.append(mark)
      }
      const name = make("div", "name", card.name)
      name.title = card.name
      inner.append(name, make("div", "what", card.what), line, make("div", "next", card.next), strip)
      article.append(inner)
      grid.append(article)
    }
    wall.append(grid)
    const footer = make("footer")
    for (const [name, label] of [["booked", "Booked"], ["pending", "Requested"], ["", "Free"], ["closed", "Closed"]]) {
      const item = make("span")
      item.append(make("i", name), document.createTextNode(label))
      footer.append(item)
    }
    footer.append(make("span", "note", data.note))
    wall.append(footer)
  }
  root.replaceChildren(wall)
}

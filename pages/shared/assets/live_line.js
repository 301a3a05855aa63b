// "Live - updated 10:12:07", by the server's clock and its signs of life.
const SILENT_MS = 10000
const lines = new WeakMap()

export default function ({ data, parentElement }) {
  let line = lines.get(parentElement)
  if (!line) {
    const root = make("div", "root")
    const word = make("b", "")
    const time = make("span", "")
    root.append(make("i", ""), word, time)
    word.setAttribute("role", "status") // the word alone: a clock that speaks helps nobody
    parentElement.appendChild(root)
    line = {}
    line.draw = () => {
      const pulse = window.groundBookingPulse ?? line.first
      const clock = moment => (moment ? line.clock(moment) : "–")
      const silent = performance.now() - pulse.heard > SILENT_MS
      const live = pulse.live && !silent
      const state = live ? "live" : "away"
      if (root.dataset.state !== state) {
        root.dataset.state = state
        word.textContent = live ? "Live" : "Not live"
      }
      time.textContent = live ? `· updated ${clock(pulse.at)}` : `since ${clock(pulse.at)} · shown as of then`
    }
    line.root = root
    // A little later, so that it does not stand in the way of the picture that follows the news.
    line.later = () => {
      clearTimeout(line.soon)
      line.soon = setTimeout(line.draw, 150)
    }
    addEventListener("ground-booking:pulse", line.later)
    line.timer = setInterval(line.draw, 1000)
    lines.set(parentElement, line)
  }
  line.clock = clockOf(data.zone)
  line.first = { at: data.at, live: data.live, heard: performance.now() }
  line.draw()
  return () => {
    removeEventListener("ground-booking:pulse", line.later)
    clearTimeout(line.soon)
    clearInterval(line.timer)
    line.root.remove()
    lines.delete(parentElement)
  }
}

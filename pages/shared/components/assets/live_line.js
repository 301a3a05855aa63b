// "Live · updated 10:12:07", by the server's clock and its heartbeats.
const TIMEOUT_MS = 10000 // without a heartbeat for this long, the screen is not live
const lines = new WeakMap()

export default function ({ data, parentElement }) {
  let line = lines.get(parentElement)
  if (!line) {
    const root = make("div", "root")
    const label = make("b", "")
    const time = make("span", "")
    root.append(make("i", ""), label, time)
    label.setAttribute("role", "status") // not the time: it would be announced every second
    parentElement.appendChild(root)
    line = {}
    line.draw = () => {
      const heartbeat = window.groundBookingHeartbeat ?? line.first
      const clock = moment => (moment ? line.clock(moment) : "–")
      const live = heartbeat.live && performance.now() - heartbeat.heard <= TIMEOUT_MS
      const state = live ? "live" : "away"
      if (root.dataset.state !== state) {
        root.dataset.state = state
        label.textContent = live ? "Live" : "Not live"
      }
      time.textContent = live ? `· updated ${clock(heartbeat.at)}` : `since ${clock(heartbeat.at)} · shown as of then`
    }
    line.root = root
    // Drawn a little later, so that it does not delay the rerun that a heartbeat may request.
    line.drawSoon = () => {
      clearTimeout(line.timeout)
      line.timeout = setTimeout(line.draw, 150)
    }
    addEventListener("ground-booking:heartbeat", line.drawSoon)
    line.interval = setInterval(line.draw, 1000)
    lines.set(parentElement, line)
  }
  line.clock = clockOf(data.zone, data.clock)
  line.first = { at: data.at, live: data.live, heard: performance.now() }
  line.draw()
  return () => {
    removeEventListener("ground-booking:heartbeat", line.drawSoon)
    clearTimeout(line.timeout)
    clearInterval(line.interval)
    line.root.remove()
    lines.delete(parentElement)
  }
}

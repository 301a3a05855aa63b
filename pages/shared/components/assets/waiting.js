// The number of requests that wait for a decision, which frame.css draws in the navigation, and that of
// unread notices, which it draws at the bell. The live
// client of a screen may follow one day only, but each of its heartbeats has the version of all days.
const RETRY_MS = 5000 // a rerun without an answer after this time is requested again
const TRIES = 3 // for one version; the versions of two processes may never become equal
const badges = new WeakMap()

class Badge {
  constructor() {
    this.onHeartbeat = event => this.follow(event.detail.latest)
    addEventListener("ground-booking:heartbeat", this.onHeartbeat)
  }

  render(data, setTriggerValue) {
    Object.assign(this, { version: data.version, setTriggerValue })
    const page = document.documentElement
    // CSS cannot read an attribute of another element.
    page.style.setProperty("--waiting", `"${data.number}" / "${data.number} waiting"`)
    page.toggleAttribute("data-waiting", data.number !== "")
    page.style.setProperty("--notices", `"${data.notices}" / "${data.notices} new notices"`)
    page.toggleAttribute("data-notices", data.notices !== "")
  }

  follow(latest) {
    if (!latest || latest === this.version) return
    if (latest !== this.requested) Object.assign(this, { requested: latest, tries: 0, requestedAt: -Infinity })
    if (this.tries === TRIES || performance.now() - this.requestedAt < RETRY_MS) return
    this.tries += 1
    this.requestedAt = performance.now()
    this.send(latest)
  }

  // A request would end a run that is under way, or the press that the user has just begun.
  send(latest) {
    if (this.isStopped || latest !== this.requested || latest === this.version) return
    const now = performance.now()
    const next = Math.max(window.groundBookingQuietUntil ?? 0, window.groundBookingNextMessageAt ?? 0)
    if (next > now || runState() !== "notRunning") {
      setTimeout(() => this.send(latest), Math.max(next - now, 100))
      return
    }
    window.groundBookingNextMessageAt = now + 30
    this.setTriggerValue("changed", latest)
  }

  stop() {
    this.isStopped = true
    removeEventListener("ground-booking:heartbeat", this.onHeartbeat)
    document.documentElement.removeAttribute("data-waiting")
    document.documentElement.removeAttribute("data-notices")
  }
}

export default function ({ data, parentElement, setTriggerValue }) {
  let badge = badges.get(parentElement)
  if (!badge) badges.set(parentElement, (badge = new Badge()))
  badge.render(data, setTriggerValue)
  return () => {
    badge.stop()
    badges.delete(parentElement)
  }
}

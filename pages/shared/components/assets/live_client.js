// The live client of a screen: reruns the fragment around it when a newer version exists, and passes
// each heartbeat to the whole window. It draws nothing.
const HEARTBEAT_MS = 7000 // a connection is healthy that has had a message within this time; the server's come every 5 s
const TIMEOUT_MS = 12000 // a connection without a message for this long is closed
const RERUN_TIMEOUT_MS = 5000 // a rerun without an answer after this time is requested again
const BACK_OFF_MS = [250, 500, 1000, 2000, 4000, 8000]
const TRY_LATER = 1013 // close code: the server has too many live connections
const TRY_LATER_MS = 30000
// Streamlit attributes all values set in one task of the event loop to one fragment, and the other
// fragments never receive theirs. So the clients of one screen send at least this far apart.
const APART_MS = 30
const clients = new WeakMap()
// The quiet period after user activity. A rerun requested in it would end the run that handles the
// press before that run has read the press. A link needs longer, because it loads a whole screen.
const PRESS_MS = 500
const LINK_MS = 1500
// A request that reaches Streamlit at the end of a run can discard messages of that run: dialogs do
// not open, elements are missing, or the page breaks. So the client waits for the end of a run, but
// not longer than this: the browser may have missed the end.
const RUN_MS = 4000
let runningSince = null
const isRunning = () => {
  runningSince = ["running", "rerunRequested"].includes(runState()) ? (runningSince ?? performance.now()) : null
  return runningSince !== null && performance.now() - runningSince < RUN_MS
}
// Milliseconds until the client may send; 0 or less: now.
const quietMs = () =>
  Math.max(window.groundBookingQuietUntil - performance.now(), isRunning() ? APART_MS : 0)
const KEYS = ["Enter", " ", "Tab"]
if (!window.groundBookingActivity) {
  window.groundBookingActivity = true
  window.groundBookingQuietUntil = 0
  const extendQuietPeriod = event => {
    if (event.type === "keydown" && !KEYS.includes(event.key)) return
    const until = performance.now() + (event.target.closest?.("a[href]") ? LINK_MS : PRESS_MS)
    window.groundBookingQuietUntil = Math.max(window.groundBookingQuietUntil, until)
  }
  // The timer of the polling fallback runs in a frame of its own and sends by window messages.
  const dropPollInQuietPeriod = event => {
    const isPoll = event.data?.type === "streamlit:setComponentValue"
    if (isPoll && quietMs() > 0) event.stopImmediatePropagation()
  }
  document.addEventListener("click", extendQuietPeriod, true)
  document.addEventListener("keydown", extendQuietPeriod, true)
  addEventListener("message", dropPollInQuietPeriod, true)
}

// Streamlit's WebSocket can be dead without an end: the computer slept, or a router has forgotten the
// connection. Neither the browser nor Streamlit notices, and presses reach nothing. So a message that
// stays without an answer is followed by a heartbeat, which the server answers also during a run.
// If no answer comes, the script ends the connection, and Streamlit opens another one.
// If the heartbeat alone is answered on a connection that is not the first one, the server has
// forgotten the session meanwhile: it drops requests of fragments that it does not know. The component
// of the signed-in user runs the whole screen then; the wall, which has none, loads its page again.
const STREAM_ROUTE = "/_stcore/stream"
const STREAM_HEARTBEAT = new Uint8Array([136, 1, 1]) // the message BackMsg.app_heartbeat
const UNANSWERED_MS = 1000
const DEAD_MS = 2500
const CHECK_MS = 500
const isStreamConnected = () => document.querySelector(".stApp")?.dataset.testConnectionState === "CONNECTED"
class Stream {
  constructor() {
    this.sentAt = null // of the first message since the last answer
    this.askedAt = null // of the heartbeat
    this.drops = 0 // connections that were told to be dead
    this.hadAnother = false // before the next one
    this.isAnother = false // not the first one of this page, and no request was answered on it
    const send = WebSocket.prototype.send
    const stream = this
    this.sendHeartbeat = socket => send.call(socket, STREAM_HEARTBEAT)
    // Streamlit's page gives no access to its socket.
    WebSocket.prototype.send = function (message) {
      if (new URL(this.url).pathname.endsWith(STREAM_ROUTE)) stream.follow(this)
      return send.call(this, message)
    }
    setInterval(() => this.check(), CHECK_MS)
  }

  follow(socket) {
    if (socket !== this.socket) {
      this.isAnother = this.hadAnother
      this.hadAnother = true
      this.socket = socket
      this.sentAt = this.askedAt = null
      socket.addEventListener("message", () => socket === this.socket && this.hear())
    }
    this.sentAt ??= performance.now()
  }

  hear() {
    const isForgotten = this.isAnother && this.sentAt !== null && this.askedAt !== null && runState() !== "running"
    if (this.sentAt !== null) this.isAnother = false
    this.sentAt = this.askedAt = null
    if (isForgotten) (window.groundBookingRestart ?? window.groundBookingReload)?.()
  }

  // Does nothing while there is no open connection: Streamlit is opening one then.
  ask() {
    if (this.socket?.readyState !== WebSocket.OPEN || this.askedAt !== null) return
    this.askedAt = performance.now()
    this.sendHeartbeat(this.socket)
  }

  check() {
    const now = performance.now()
    // The first connection, which brought this script, may end before anything is sent on it.
    if (!isStreamConnected()) this.hadAnother = true
    if (this.askedAt !== null && now - this.askedAt > DEAD_MS) {
      const { socket } = this
      this.socket = this.sentAt = this.askedAt = null
      this.drops += 1
      socket.dispatchEvent(new CloseEvent("close", { code: 1006 }))
    } else if (this.askedAt === null && this.sentAt !== null && now - this.sentAt > UNANSWERED_MS) this.ask()
  }
}
window.groundBookingStream ??= new Stream()

// Calls `back` when this window comes back: it is shown again, the network is there again, or the
// computer was asleep, which a timer tells that is late by so much. `back(true)`: the connections of
// before are probably dead.
const ASLEEP_MS = 5000
const TICK_MS = 1000
function onReturn(back) {
  const show = () => document.hidden || back(false)
  const showAnew = () => document.hidden || back(true)
  let last = Date.now()
  const interval = setInterval(() => {
    const late = Date.now() - last - TICK_MS
    last = Date.now()
    if (late > ASLEEP_MS) showAnew()
  }, TICK_MS)
  document.addEventListener("visibilitychange", show)
  addEventListener("online", showAnew)
  return () => {
    clearInterval(interval)
    document.removeEventListener("visibilitychange", show)
    removeEventListener("online", showAnew)
  }
}

// A version is "process.number.state". Numbers of one process grow; numbers of two processes cannot
// be compared.
const isNewer = (version, shown) => {
  const [process, number, state] = version.split(".")
  const [shownProcess, shownNumber, shownState] = shown.split(".")
  if (process !== shownProcess || Number(number) > Number(shownNumber)) return true
  return number === shownNumber && state !== shownState
}

const isOtherProcess = (version, shown) => version.split(".")[0] !== shown.split(".")[0]

class LiveClient {
  constructor() {
    this.failures = 0
    this.requestedAt = 0 // of the request that has no answer yet; 0: there is none
    this.isStreamConnected = true
    this.drops = 0
    this.stopReturn = onReturn(isSuspect => this.onReturn(isSuspect))
    // A hidden window tells the server that it is hidden.
    this.onVisible = () => this.update()
    this.onPoll = event => {
      if (event.detail.date !== this.data.date) return
      this.version = event.detail.version
      this.announce(event.detail, "poll")
      this.update()
    }
    document.addEventListener("visibilitychange", this.onVisible)
    addEventListener("ground-booking:poll", this.onPoll)
    this.interval = setInterval(() => {
      this.followStream()
      if (this.socket && performance.now() - this.heard > TIMEOUT_MS) {
        window.groundBookingStream.ask()
        this.reconnectLater()
      }
      this.update()
    }, 1000)
  }

  render(data, setTriggerValue, setStateValue) {
    const isOtherDate = !this.data || data.date !== this.data.date
    Object.assign(this, { data, setTriggerValue, setStateValue, requestedAt: 0 })
    this.announce(data, "rerun")
    // Streamlit adds a performance mark for every rerun and deletes none: over weeks they fill memory.
    performance.clearMarks()
    performance.clearMeasures()
    if (isOtherDate) this.open()
    clearTimeout(this.changeTimer)
    if (data.changes_at) {
      // The screen changes at a known moment without any booking, such as the start of a period.
      const left = Math.max(data.changes_at - data.now + 50, 1000)
      this.changeTimer = setTimeout(() => document.hidden || this.rerun("clock"), Math.min(left, 2 ** 31 - 1))
    }
    this.update()
  }

  // Streamlit is connected again: the network is back, so nothing waits for its next try.
  followStream() {
    const isNow = isStreamConnected()
    const { drops } = window.groundBookingStream
    if (isNow && (!this.isStreamConnected || drops !== this.drops)) {
      Object.assign(this, { requestedAt: 0, requestedVersion: null })
      if (!this.socket && !this.isRefused) this.open()
    }
    Object.assign(this, { isStreamConnected: isNow, drops })
  }

  // Both connections may be dead without an end, and a wait for the next try may be long.
  onReturn(isSuspect) {
    window.groundBookingStream.ask()
    if (!this.socket || isSuspect || performance.now() - this.heard > HEARTBEAT_MS) this.open()
    this.update()
  }

  announce({ now, at, version, latest }, by) {
    // A newer version without a rerun: Streamlit's own connection is lost.
    const isOverdue = this.staleSince && performance.now() - this.staleSince > RERUN_TIMEOUT_MS
    const live = version.endsWith(".live") && !isOverdue
    const detail = { now, at, latest, by, heard: performance.now(), live, mode: this.data.mode }
    window.groundBookingHeartbeat = detail
    window.dispatchEvent(new CustomEvent("ground-booking:heartbeat", { detail }))
  }

  open() {
    this.close()
    const address = new URL("live", location.href)
    address.protocol = address.protocol.replace("http", "ws")
    address.search = this.data.date ? `?date=${this.data.date}` : ""
    address.hash = ""
    const socket = new WebSocket(address)
    this.socket = socket
    this.heard = performance.now()
    socket.onmessage = event => {
      const message = JSON.parse(event.data)
      this.failures = 0
      this.isConnected = true
      this.heard = performance.now()
      this.version = message.version
      this.update() // first, because the rerun takes longest
      this.announce(message, "push")
    }
    socket.onclose = event => this.reconnectLater(event.code)
  }

  close() {
    clearTimeout(this.retry)
    if (!this.socket) return
    this.socket.onmessage = this.socket.onclose = null
    this.socket.close()
    this.socket = null
  }

  reconnectLater(code) {
    this.close()
    this.isConnected = false
    this.isRefused = code === TRY_LATER
    const wait = this.isRefused ? TRY_LATER_MS : BACK_OFF_MS[Math.min(this.failures, BACK_OFF_MS.length - 1)]
    this.failures += 1
    // Jitter: a hundred screens do not reconnect in the same instant.
    this.retry = setTimeout(() => this.open(), wait * (0.5 + Math.random()))
    this.update()
  }

  // Reports a changed mode of the screen (see components.py), else requests a rerun for a newer version.
  update() {
    const isStale = !document.hidden && this.version && isNewer(this.version, this.data.version)
    this.staleSince = isStale ? (this.staleSince ?? performance.now()) : null
    if (this.requestedAt && performance.now() - this.requestedAt < RERUN_TIMEOUT_MS) return
    // The mode is unknown until the connection has received a message or has failed.
    const mode = document.hidden ? "hidden" : this.isConnected === undefined ? null : this.isConnected ? "push" : "alone"
    if (mode && mode !== this.data.mode) {
      this.requestedAt = performance.now()
      this.send(() => this.setStateValue("mode", mode))
    } else if (isStale) {
      // Each version is requested once, and again only without an answer: two processes with different
      // numbers would otherwise cause endless reruns.
      if (this.version === this.requestedVersion && !this.requestedAt) return
      this.requestedVersion = this.version
      if (isOtherProcess(this.version, this.data.version)) this.restart()
      else this.rerun(this.version)
    }
  }

  // The session has gone with the process that drew this screen, and its fragments with it: only a
  // run of the whole screen begins another one. A client within a fragment cannot ask for it; the
  // component of the signed-in user can. The wall has none, and asks for its fragment.
  restart() {
    this.requestedAt = performance.now()
    if (window.groundBookingRestart) this.send(() => window.groundBookingRestart())
    else this.rerun(this.version)
  }

  rerun(reason) {
    this.requestedAt = performance.now()
    this.send(() => this.setTriggerValue("rerun", reason))
  }

  // Calls `set` outside the quiet period, and apart from the values of other clients.
  send(set) {
    const now = performance.now()
    const wait = Math.max(quietMs(), (window.groundBookingNextMessageAt ?? 0) - now)
    if (wait > 0) {
      // Checked again then: new activity or another client may have extended the wait.
      setTimeout(() => this.isStopped || this.send(set), wait)
      return
    }
    window.groundBookingNextMessageAt = now + APART_MS
    set()
  }

  stop() {
    this.isStopped = true
    this.close()
    clearTimeout(this.changeTimer)
    clearInterval(this.interval)
    document.removeEventListener("visibilitychange", this.onVisible)
    this.stopReturn()
    removeEventListener("ground-booking:poll", this.onPoll)
  }
}

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  let client = clients.get(parentElement)
  if (!client) clients.set(parentElement, (client = new LiveClient()))
  client.render(data, setTriggerValue, setStateValue)
  return () => {
    client.stop()
    clients.delete(parentElement)
  }
}

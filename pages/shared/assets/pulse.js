// Turns a new version into a rerun of the fragment around it, and tells the whole window of each
// sign of life. It draws nothing.
const SILENT_MS = 12000 // without a word for so long, the connection is given up
const RERUN_MS = 5000 // a rerun that has not answered by then is asked for again
const BACK_OFF_MS = [250, 500, 1000, 2000, 4000, 8000]
const REFUSED = 1013 // too many connections: no hurry
// Streamlit sends what is set within one turn of the browser under the name of one fragment, and
// the other fragment never hears of its own: two pulses on one screen keep this apart (ms).
const APART_MS = 30
const pulses = new WeakMap()
// Whoever presses something has the word: what a screen asks for by itself meanwhile would end the
// run that answers the press before it has heard of it. A link brings a whole screen (ms).
const PRESS_MS = 500
const LEAVING_MS = 1500
// A question that reaches Streamlit as a run ends can make it forget what it has not sent yet of
// that run: dialogs never come, parts are missing, or the page breaks. So a screen asks for nothing
// until it has all of a run; one that is longer than this may have lost its end (ms).
const RUN_MS = 4000
let runningSince = null
const isRunning = () => {
  runningSince = ["running", "rerunRequested"].includes(runState()) ? (runningSince ?? performance.now()) : null
  return runningSince !== null && performance.now() - runningSince < RUN_MS
}
// For how long nothing may be asked, as far as is known now (ms).
const silence = () =>
  Math.max(window.groundBookingHeld - performance.now(), isRunning() ? APART_MS : 0)
const KEYS = ["Enter", " ", "Tab"]
if (!window.groundBookingHands) {
  window.groundBookingHands = true
  window.groundBookingHeld = 0
  const hold = event => {
    if (event.type === "keydown" && !KEYS.includes(event.key)) return
    const until = performance.now() + (event.target.closest?.("a[href]") ? LEAVING_MS : PRESS_MS)
    window.groundBookingHeld = Math.max(window.groundBookingHeld, until)
  }
  // The timer of the floor speaks from a frame of its own.
  const mute = event => {
    const tick = event.data?.type === "streamlit:setComponentValue"
    if (tick && silence() > 0) event.stopImmediatePropagation()
  }
  document.addEventListener("click", hold, true)
  document.addEventListener("keydown", hold, true)
  addEventListener("message", mute, true)
}

// A version is "process.number.state". Numbers of one process grow; those of two mean nothing
// to each other.
const isNews = (version, shown) => {
  const [process, number, state] = version.split(".")
  const [shownProcess, shownNumber, shownState] = shown.split(".")
  if (process !== shownProcess || Number(number) > Number(shownNumber)) return true
  return number === shownNumber && state !== shownState
}

class Pulse {
  constructor() {
    this.failures = 0
    this.asked = 0 // when a rerun was asked for that has not come yet
    this.changed = () => {
      if (!this.socket && !document.hidden) this.open()
      this.look()
    }
    this.floor = event => {
      if (event.detail.date !== this.data.date) return
      this.version = event.detail.version
      this.tell(event.detail, "floor")
      this.look()
    }
    document.addEventListener("visibilitychange", this.changed)
    addEventListener("online", this.changed)
    addEventListener("ground-booking:floor", this.floor)
    this.watch = setInterval(() => {
      if (this.socket && performance.now() - this.heard > SILENT_MS) this.lost()
      this.look()
    }, 1000)
  }

  render(data, setTriggerValue, setStateValue) {
    const moved = !this.data || data.date !== this.data.date
    Object.assign(this, { data, setTriggerValue, setStateValue, asked: 0 })
    this.tell(data, "rerun")
    // Streamlit marks every rerun for whoever profiles it and forgets none: over weeks that grows.
    performance.clearMarks()
    performance.clearMeasures()
    if (moved) this.open()
    clearTimeout(this.turn)
    if (data.turns_at) {
      // The picture changes at a known moment without any booking: a period begins.
      const left = Math.max(data.turns_at - data.now + 50, 1000)
      this.turn = setTimeout(() => document.hidden || this.rerun("turn"), Math.min(left, 2 ** 31 - 1))
    }
    this.look()
  }

  tell({ now, at, version }, by) {
    // News that no rerun brings: the server's other connection, by which pictures come, is gone.
    const overdue = this.newsSince && performance.now() - this.newsSince > RERUN_MS
    const live = version.endsWith(".live") && !overdue
    const detail = { now, at, by, heard: performance.now(), live, mode: this.data.mode }
    window.groundBookingPulse = detail
    window.dispatchEvent(new CustomEvent("ground-booking:pulse", { detail }))
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
      this.isUp = true
      this.heard = performance.now()
      this.version = message.version
      this.look() // first: the picture is waited for
      this.tell(message, "push")
    }
    socket.onclose = event => this.lost(event.code)
  }

  close() {
    clearTimeout(this.retry)
    if (!this.socket) return
    this.socket.onmessage = this.socket.onclose = null
    this.socket.close()
    this.socket = null
  }

  lost(code) {
    this.close()
    this.isUp = false
    const wait = code === REFUSED ? 30000 : BACK_OFF_MS[Math.min(this.failures, BACK_OFF_MS.length - 1)]
    this.failures += 1
    // Jitter: a hundred screens do not come back in the same instant.
    this.retry = setTimeout(() => this.open(), wait * (0.5 + Math.random()))
    this.look()
  }

  // Reports what this screen is: unseen, reached by push, or on its own; asks for what is new.
  look() {
    const isOld = !document.hidden && this.version && isNews(this.version, this.data.version)
    this.newsSince = isOld ? (this.newsSince ?? performance.now()) : null
    if (this.asked && performance.now() - this.asked < RERUN_MS) return
    // A connection without its first word is neither up nor lost.
    const mode = document.hidden ? "hidden" : this.isUp === undefined ? null : this.isUp ? "push" : "alone"
    if (mode && mode !== this.data.mode) {
      this.asked = performance.now()
      this.apart(() => this.setStateValue("mode", mode))
    } else if (isOld) {
      // Once a version, unless the answer was lost: two processes that know different numbers
      // must not chase each other.
      if (this.version === this.askedFor && !this.asked) return
      this.askedFor = this.version
      this.rerun(this.version)
    }
  }

  rerun(why) {
    this.asked = performance.now()
    this.apart(() => this.setTriggerValue("turn", why))
  }

  // In a turn of its own, and not before it may.
  apart(set) {
    const now = performance.now()
    const wait = Math.max(silence(), (window.groundBookingTurn ?? 0) - now)
    if (wait > 0) {
      // Looked at again then: meanwhile somebody may have pressed something, or another had the turn.
      setTimeout(() => this.ended || this.apart(set), wait)
      return
    }
    window.groundBookingTurn = now + APART_MS
    set()
  }

  end() {
    this.ended = true
    this.close()
    clearTimeout(this.turn)
    clearInterval(this.watch)
    document.removeEventListener("visibilitychange", this.changed)
    removeEventListener("online", this.changed)
    removeEventListener("ground-booking:floor", this.floor)
  }
}

export default function ({ data, parentElement, setTriggerValue, setStateValue }) {
  let pulse = pulses.get(parentElement)
  if (!pulse) pulses.set(parentElement, (pulse = new Pulse()))
  pulse.render(data, setTriggerValue, setStateValue)
  return () => {
    pulse.end()
    pulses.delete(parentElement)
  }
}

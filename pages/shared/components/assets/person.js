// The signed-in user. Sign-out is a POST form, so that no link can sign a user out.
const initials = name => {
  const words = name.split(/\s+/).filter(word => !/\.$/.test(word))
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : words.slice(0, 1)
  return chosen.map(word => [...word][0] ?? "").join("").toUpperCase()
}

// A late rerun request of the previous screen can reach Streamlit after the request for the next
// screen; Streamlit then draws neither. A screen that stays without its title is reloaded.
const EMPTY_SECONDS = 3
const RELOAD_PAUSE_MS = 60000
const RELOADED = "ground-booking-reloaded"
let emptySeconds = 0

function reloadIfEmpty() {
  const idle = runState() === "notRunning"
  emptySeconds = idle && !document.querySelector(".stMain h1") ? emptySeconds + 1 : 0
  if (emptySeconds < EMPTY_SECONDS) return
  emptySeconds = 0
  if (Date.now() - Number(sessionStorage.getItem(RELOADED)) < RELOAD_PAUSE_MS) return
  sessionStorage.setItem(RELOADED, Date.now())
  location.reload()
}

// Streamlit puts dialogs outside the app's element, which alone has the colour scheme.
function copyColorScheme() {
  const app = document.querySelector(".stApp")
  if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme
}

// Another session in the same window: the app was restarted, or has forgotten the session after a
// long time without a network.
function reportNewSession(session, setTriggerValue) {
  const before = window.groundBookingSession
  window.groundBookingSession = session
  if (before && before !== session) sendWhenIdle(() => setTriggerValue("renewed", session))
}

// The second press of a double click never reaches what appeared under the pointer after the first,
// such as a cell behind a dialog that has closed, or a button of one that has opened.
// The browser counts the presses of a mouse, by the user's own speed; of fingers it may count none.
const DOUBLE_MS = 500
const NEAR_PX = 12
function guardDoublePresses() {
  // Presses, by the clock of the events: a busy page gets them late.
  let last = { at: -Infinity }
  let first = last
  let isBlocked = false
  const stop = event => {
    event.stopImmediatePropagation()
    event.preventDefault()
  }
  const reachesAnother = (event, before) => {
    const [target] = event.composedPath()
    const near = Math.hypot(event.clientX - before.x, event.clientY - before.y) < NEAR_PX
    return near && target !== before.target && !before.target?.contains?.(target) && !target.contains(before.target)
  }
  const press = event => {
    isBlocked = event.timeStamp - last.at < DOUBLE_MS && reachesAnother(event, last)
    if (isBlocked) return stop(event)
    first = last
    last = { at: event.timeStamp, x: event.clientX, y: event.clientY, target: event.composedPath()[0] }
  }
  const count = event => {
    if (!isBlocked && event.detail > 1 && reachesAnother(event, first)) {
      isBlocked = true
      last = first
    }
    follow(event)
  }
  const follow = event => isBlocked && event.detail !== 0 && stop(event)
  addEventListener("pointerdown", press, true)
  addEventListener("mousedown", count, true)
  for (const name of ["pointerup", "mouseup", "click"]) addEventListener(name, follow, true)
}

// Streamlit's dialog of a lost connection, in our words.
const LOST = /is not responding|internet|[Cc]onnection (error|timed out)/
const sayLost = dialog => {
  const title = dialog.querySelector("[slot=title]")
  const text = dialog.querySelector("[slot=title] ~ div > div") ?? dialog.querySelector("[slot=title] ~ div")
  if (!title || !text || !LOST.test(title.textContent + text.textContent) || dialog.querySelector("[data-testid=stVerticalBlock]")) return
  title.textContent = "The connection is lost"
  text.textContent = "This device does not reach the dashboard, so the screen may be old. It goes on by itself as soon as it can."
}

// A dialog opens with the focus in its text field; Streamlit puts it on the close button. Not on a
// touch screen, whose keyboard would cover the dialog.
// The fields of a dialog can come later than the dialog, while its run is under way.
const SETTLED_MS = 2000 // Streamlit sets its own focus within this time, late on a busy computer
function focusField(dialog) {
  const FIELD = "textarea, input[type=text]:not([role=combobox], [readonly])"
  let until = performance.now() + SETTLED_MS
  let isFound = false
  let isUsed = false
  const stop = () => (isUsed = true)
  const events = ["keydown", "pointerdown"]
  events.forEach(name => addEventListener(name, stop, true))
  const focus = () => {
    const field = dialog.querySelector(FIELD)
    if (!isFound && (field || runState() === "running")) until = performance.now() + SETTLED_MS
    isFound ||= Boolean(field)
    if (!isUsed && dialog.isConnected && performance.now() < until) {
      if (field && document.activeElement !== field) field.focus()
      requestAnimationFrame(focus)
      return
    }
    events.forEach(name => removeEventListener(name, stop, true))
  }
  focus()
}

function watchDialogs() {
  new MutationObserver(changes => {
    for (const node of changes.flatMap(change => [...change.addedNodes])) {
      const dialog = node.matches?.("[role=dialog]") ? node : node.querySelector?.("[role=dialog]")
      if (!dialog) continue
      sayLost(dialog)
      if (dialog.closest(".stDialog") && matchMedia("(pointer: fine)").matches) focusField(dialog)
    }
  }).observe(document.body, { childList: true, subtree: true })
}

export default function ({ data, parentElement, setTriggerValue }) {
  copyColorScheme()
  if (!window.groundBookingGuards) {
    window.groundBookingGuards = true
    guardDoublePresses()
    watchDialogs()
  }
  // For the live clients. Set again at each draw: only the component that is shown can send.
  window.groundBookingRestart = () => setTriggerValue("renewed", data.session)
  reportNewSession(data.session, setTriggerValue)
  window.groundBookingWatch ??= setInterval(() => (reloadIfEmpty(), copyColorScheme()), 1000)
  let root = parentElement.querySelector(".root")
  if (!root) parentElement.appendChild((root = make("div", "root")))
  root.replaceChildren()
  const who = make("div", "who")
  const mark = make("i", "", initials(data.name))
  mark.setAttribute("aria-hidden", "true")
  const text = make("div", "")
  const name = make("b", "", data.name)
  name.title = data.name
  text.append(name, make("span", "", data.role))
  who.append(mark, text)
  root.append(who)
  const ways = make("div", "ways")
  ways.popover = "auto"
  ways.id = "ways"
  const menu = make("button", "menu", initials(data.name))
  menu.type = "button"
  menu.title = data.name
  menu.setAttribute("aria-label", `${data.name}, ${data.role}`)
  menu.popoverTargetElement = ways
  const whose = make("div", "whose")
  ways.append(whose)
  // Only while it is open, so that the name stands on the page once.
  ways.addEventListener("beforetoggle", event =>
    whose.replaceChildren(...(event.newState === "open" ? [make("b", "", data.name), data.role] : [])))
  const addLink = (label, path) => {
    const link = make("a", "", label)
    // Set again on a press: the screen may have changed without a redraw of this component.
    const setAddress = () => (link.href = `${data.base}/${path}?next=${encodeURIComponent(location.pathname + location.search)}`)
    link.onclick = setAddress
    setAddress()
    ways.append(link)
  }
  addLink("Where you are signed in", "sessions")
  if (data.mail) addLink("Mail", "mail")
  if (data.password) addLink("Change password", "password")
  if (data.second_factor) addLink("Second factor", "secondfactor")
  const form = make("form", "")
  form.method = "post"
  form.action = `${data.base}/signout`
  const out = make("button", "", "Sign out")
  out.type = "submit"
  form.onsubmit = () => sessionStorage.clear()
  form.append(out)
  ways.append(form)
  root.append(menu, ways)
  return () => delete window.groundBookingRestart
}

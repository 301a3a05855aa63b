// Shared by all components; components.py puts it in front of each component's script.
const make = (tag, className, text) => {
  const node = document.createElement(tag)
  if (className) node.className = className
  // Text nodes only, so that text typed by a user is never parsed as markup.
  if (text !== undefined && text !== null) node.textContent = text
  return node
}
// A function that formats epoch milliseconds in a time zone by a pattern of formats.py: "h:mm:ss a", "H:mm:ss"
// or "HH:mm:ss". Python and the browser would differ if each took a pattern from data of its own.
const clockOf = (zone, pattern) => {
  const fields = { hour: "2-digit", minute: "2-digit", second: "2-digit" }
  const format = new Intl.DateTimeFormat("en", { ...fields, hourCycle: "h23", timeZone: zone })
  return moment => {
    const { hour, minute, second } = Object.fromEntries(format.formatToParts(moment).map(part => [part.type, part.value]))
    const values = { HH: hour, H: Number(hour), h: hour % 12 || 12, mm: minute, ss: second, a: hour < 12 ? "AM" : "PM" }
    return pattern.replace(/HH|H|h|mm|ss|a/g, field => values[field])
  }
}
// The state of Streamlit's run: "running", "notRunning" and others. Only this attribute has it.
const runState = () => document.querySelector(".stApp")?.dataset.testScriptState
// Calls `send` once no run can be disturbed, and apart from the values of other components (see
// live_client.js).
function sendWhenIdle(send) {
  const now = performance.now()
  if (runState() !== "notRunning" || (window.groundBookingNextMessageAt ?? 0) > now) {
    setTimeout(() => sendWhenIdle(send), 100)
    return
  }
  window.groundBookingNextMessageAt = now + 30
  send()
}
// The element with this data-focus name after a redraw; if it is gone, the row that held it, so that
// keyboard users continue from there.
const findFocusable = (root, name) =>
  root.querySelector(`[data-focus="${CSS.escape(name)}"]`) ??
  root.querySelector(`[data-id="${CSS.escape(name.slice(name.indexOf(":") + 1))}"]`)
// A dialog that closes returns the focus to the button that opened it. Streamlit does not find a button
// inside a component, or one that was redrawn: the focus would go to the top of the page.
const RETURN_FOCUS_MS = 150
if (!window.groundBookingFocus) {
  window.groundBookingFocus = true
  const isDialog = node => node.getAttribute?.("role") === "dialog"
  let last = null
  const rememberPressed = event => {
    const path = event.composedPath()
    if (!path.some(isDialog)) last = { node: path[0], root: path[0].getRootNode(), name: path[0].dataset?.focus }
  }
  // Keyboard presses fire "click" too. Focus events do not leave the shadow root of a component.
  document.addEventListener("click", rememberPressed, true)
  // A button that is disabled while it works, such as a download, loses the focus to the page behind
  // its dialog. Keys would then miss the dialog, and Escape would not close it.
  const focusDialog = event => {
    const dialog = [...document.querySelectorAll("[role=dialog][tabindex]")].at(-1)
    if (!dialog || !isLost()) return
    dialog.focus()
    if (event.key !== "Escape" || isLost()) return
    dialog.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }))
  }
  document.addEventListener("keydown", focusDialog, true)
  const isLost = () => !document.activeElement || document.activeElement === document.body
  const returnFocus = () => {
    if (!last || !isLost() || document.querySelector("[role=dialog]")) return
    const node = last.node.isConnected ? last.node : last.name && findFocusable(last.root, last.name)
    node?.focus({ preventScroll: true })
  }
  new MutationObserver(changes => {
    const gone = changes.flatMap(change => [...change.removedNodes])
    if (gone.some(node => isDialog(node) || node.querySelector?.("[role=dialog]"))) setTimeout(returnFocus, RETURN_FOCUS_MS)
  }).observe(document.body, { childList: true, subtree: true })
}

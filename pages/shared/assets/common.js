// Shared by the elements below; it stands in front of each one's own script.
const make = (tag, className, text) => {
  const node = document.createElement(tag)
  if (className) node.className = className
  // Text only, ever: what people typed is never read as markup.
  if (text !== undefined && text !== null) node.textContent = text
  return node
}
// Says a moment as "10:12:07 AM", by the clocks of a time zone.
const clockOf = zone => {
  const format = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", second: "2-digit", hour12: true, timeZone: zone })
  return moment => format.format(moment).replace(/\s/g, " ")
}
// Of the run that draws this screen: "running", "notRunning" and others. Streamlit says it nowhere else.
const runState = () => document.querySelector(".stApp")?.dataset.testScriptState
// What has the focus in a list, by a name that outlives its being drawn anew; else the line that it
// stood in, so that whoever uses the keyboard goes on from there.
const again = (root, name) =>
  root.querySelector(`[data-focus="${CSS.escape(name)}"]`) ??
  root.querySelector(`[data-id="${CSS.escape(name.slice(name.indexOf(":") + 1))}"]`)
// A dialog that closes gives the focus back to what opened it. Streamlit does not find that inside
// of an element of ours, nor once it was drawn anew: then it would start from the top of the page.
const BACK_MS = 150
if (!window.groundBookingFocus) {
  window.groundBookingFocus = true
  const isDialog = node => node.getAttribute?.("role") === "dialog"
  let last = null
  const press = event => {
    const path = event.composedPath()
    if (!path.some(isDialog)) last = { node: path[0], root: path[0].getRootNode(), name: path[0].dataset?.focus }
  }
  // Also of the keyboard. Focus itself does not tell: inside of one element it is not heard outside.
  document.addEventListener("click", press, true)
  // What is disabled while it works, as a download is, drops the focus to the page behind its
  // dialog; there no key would reach the dialog, and Escape not close it.
  const intoDialog = event => {
    const dialog = [...document.querySelectorAll("[role=dialog][tabindex]")].at(-1)
    if (!dialog || !isLost()) return
    dialog.focus()
    if (event.key !== "Escape" || isLost()) return
    dialog.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true, cancelable: true }))
  }
  document.addEventListener("keydown", intoDialog, true)
  const isLost = () => !document.activeElement || document.activeElement === document.body
  const giveBack = () => {
    if (!last || !isLost() || document.querySelector("[role=dialog]")) return
    const node = last.node.isConnected ? last.node : last.name && again(last.root, last.name)
    node?.focus({ preventScroll: true })
  }
  new MutationObserver(changes => {
    const gone = changes.flatMap(change => [...change.removedNodes])
    if (gone.some(node => isDialog(node) || node.querySelector?.("[role=dialog]"))) setTimeout(giveBack, BACK_MS)
  }).observe(document.body, { childList: true, subtree: true })
}

// Puts the focus into the text field of the dialog around this component, once the dialog is open:
// Streamlit puts it on the dialog's close button.
const SETTLED_MS = 600 // Streamlit sets its own focus within this time
const done = new WeakSet()

export default function ({ parentElement }) {
  const dialog = parentElement.getRootNode().host?.closest("[role=dialog]")
  if (!dialog || done.has(parentElement)) return
  done.add(parentElement)
  const until = performance.now() + SETTLED_MS
  let isUsed = false
  const stop = () => (isUsed = true)
  const events = ["keydown", "pointerdown"]
  events.forEach(name => addEventListener(name, stop, true))
  const focus = () => {
    if (!isUsed && dialog.isConnected && performance.now() < until) {
      const field = dialog.querySelector("input[type=text], textarea")
      if (field && document.activeElement !== field) field.focus()
      requestAnimationFrame(focus)
      return
    }
    events.forEach(name => removeEventListener(name, stop, true))
  }
  focus()
}

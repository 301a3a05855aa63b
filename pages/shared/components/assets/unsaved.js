// Asks before a form is left that differs from what is stored: by a link, another section, the ways out
// of its dialog, its own Back, or the end of the page. Back and Forward of the browser do not ask.
// The script sends nothing to the server.
const WAIT_MS = 100
const MOST_WAITS = 30 // for the run of a text that the press has sent
const DIALOG = ".stDialog [role=dialog]"
const CLOSE = ".stDialog button[aria-label=Close]"
const LEAVING = `a[href], [class*='st-key-admin-section'] label, [class*='st-key-admin-section'] button, ${CLOSE}, [class*='st-key-admin-'][class*='-back'] button`

const nodesOf = event => event.composedPath().filter(node => node.matches)
const pathHas = (event, selector) => nodesOf(event).some(node => node.matches(selector))

// The backdrop of the dialog. Lists, calendars and popovers are beside the dialog, and no way out of it.
const isBackdrop = event => pathHas(event, ".stDialog") && !pathHas(event, DIALOG)
const isLeaving = event => isBackdrop(event) || pathHas(event, LEAVING)

class Form {
  constructor() {
    this.close()
    for (const type of ["pointerdown", "mousedown", "pointerup", "mouseup"])
      window.addEventListener(type, event => this.hold(event), true)
    window.addEventListener("click", event => this.onClick(event), true)
    window.addEventListener("keydown", event => this.onKey(event), true)
    // Not the focus: a field may have it before it has its value.
    window.addEventListener("beforeinput", event => this.onTyping(event.composedPath()[0]), true)
    window.addEventListener("focusout", event => this.onSent(event.target), true)
    window.addEventListener("beforeunload", event => this.differs() && event.preventDefault())
  }

  open(owner, { differs, question }) {
    // A field sends its text when it is left; `isSent` stays until the server has answered.
    Object.assign(this, { owner, isStored: !differs, question, isSent: false })
  }

  close() {
    Object.assign(this, { owner: null, isStored: true, question: "", isSent: false, field: null })
  }

  differs() {
    return Boolean(this.owner) && (!this.isStored || this.isSent || this.isTyping())
  }

  isTyping() {
    return this.isChanged(document.activeElement)
  }

  isChanged(field) {
    return Boolean(this.owner && field) && field === this.field && field.value !== this.before
  }

  onTyping(field) {
    if (field !== this.field && typeof field.value === "string") Object.assign(this, { field, before: field.value })
  }

  onSent(field) {
    this.isSent ||= this.isChanged(field)
    if (field === this.field) this.field = null
  }

  // A question at the beginning of a press would take its end: the click would never come. Until the
  // click, the press is kept from Streamlit, which closes a dialog at its beginning.
  hold(event) {
    if (this.differs() && isLeaving(event)) event.stopImmediatePropagation()
  }

  onClick(event) {
    if (!this.differs() || !isLeaving(event)) return
    event.preventDefault()
    event.stopImmediatePropagation()
    const pressed = isBackdrop(event) ? document.querySelector(CLOSE) : nodesOf(event).find(node => node.matches(LEAVING))
    if (pressed && confirm(this.question)) this.leave(pressed)
  }

  // The press has sent the text of the field that it left. Streamlit loses the next screen if that opens
  // while the old one is still drawn for the text.
  leave(pressed, waits = 0) {
    if (waits < MOST_WAITS && (this.isSent || runState() !== "notRunning")) {
      setTimeout(() => this.leave(pressed, waits + 1), WAIT_MS)
      return
    }
    this.close() // one question is enough, also if the press loads another page
    pressed.click()
  }

  onKey(event) {
    if (event.key === "Enter") this.onSent(event.target)
    // An open list takes Escape for itself.
    if (event.key !== "Escape" || !pathHas(event, DIALOG) || pathHas(event, "[aria-expanded=true]")) return
    if (!this.differs()) return
    event.preventDefault()
    event.stopImmediatePropagation()
    const close = document.querySelector(CLOSE)
    if (close && confirm(this.question)) this.leave(close)
  }
}

export default function ({ data, parentElement }) {
  const form = (window.groundBookingForm ??= new Form())
  form.open(parentElement, data)
  return () => form.owner === parentElement && form.close()
}

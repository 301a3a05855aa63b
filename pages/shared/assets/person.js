// Who is signed in. Signing out is a form of its own, so that no address alone can do it.
const initials = name => {
  const words = name.split(/\s+/).filter(word => !/\.$/.test(word))
  const chosen = words.length > 1 ? [words[0], words[words.length - 1]] : words.slice(0, 1)
  return chosen.map(word => [...word][0] ?? "").join("").toUpperCase()
}

// A late question of the screen that was left can reach Streamlit behind a press for another one:
// then it draws neither. A screen that stays without its title is loaded anew.
const EMPTY_SECONDS = 3
const AGAIN_MS = 60000
const RELOADED = "ground-booking-reloaded"
let empty = 0

function look() {
  const idle = runState() === "notRunning"
  empty = idle && !document.querySelector(".stMain h1") ? empty + 1 : 0
  if (empty < EMPTY_SECONDS) return
  empty = 0
  if (Date.now() - Number(sessionStorage.getItem(RELOADED)) < AGAIN_MS) return
  sessionStorage.setItem(RELOADED, Date.now())
  location.reload()
}

// Streamlit puts dialogs beside its app, where nothing says whether it is light or dark.
function shade() {
  const app = document.querySelector(".stApp")
  if (app) document.documentElement.style.colorScheme = getComputedStyle(app).colorScheme
}

export default function ({ data, parentElement }) {
  shade()
  window.groundBookingLook ??= setInterval(() => (look(), shade()), 1000)
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
  if (data.password) {
    const change = make("a", "", "Change password")
    // Back to where they are by then: another screen does not always draw this anew.
    const lead = () => (change.href = `${data.base}/password?next=${encodeURIComponent(location.pathname + location.search)}`)
    change.onclick = lead
    lead()
    ways.append(change)
  }
  const form = make("form", "")
  form.method = "post"
  form.action = `${data.base}/signout`
  const out = make("button", "", "Sign out")
  out.type = "submit"
  form.append(out)
  ways.append(form)
  root.append(ways)
}

// Redirects the window to sign-in, which redirects back; the link serves if the redirect is blocked.
const WANTED = "ground-booking-wanted" // remember.js writes it

export default function ({ data, parentElement }) {
  if (parentElement.querySelector(".root")) return
  const address = new URL(data.to, location.origin)
  const here = location.pathname + location.search
  const wanted = location.pathname === data.home && sessionStorage.getItem(WANTED)
  sessionStorage.removeItem(WANTED)
  address.searchParams.set("next", wanted || here)
  const root = make("div", "root")
  const link = make("a", "", "Sign in to go on")
  link.href = address
  root.append(link)
  parentElement.appendChild(root)
  location.replace(address)
}

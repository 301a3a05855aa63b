// Leads the window to the door, which leads back here; the link is for where it does not.
export default function ({ data, parentElement }) {
  const address = new URL(data.to, location.origin)
  address.searchParams.set("next", location.pathname + location.search)
  if (parentElement.querySelector(".root")) return
  const root = make("div", "root" + (isDark(parentElement) ? " dark" : ""))
  const link = make("a", "", "Sign in to go on")
  link.href = address
  root.append(link)
  parentElement.appendChild(root)
  location.replace(address)
}

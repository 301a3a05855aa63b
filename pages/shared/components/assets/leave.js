// Redirects the window to sign-in, which redirects back; the link serves if the redirect is blocked.
export default function ({ data, parentElement }) {
  if (parentElement.querySelector(".root")) return
  const address = new URL(data.to, location.origin)
  address.searchParams.set("next", location.pathname + location.search)
  const root = make("div", "root")
  const link = make("a", "", "Sign in to go on")
  link.href = address
  root.append(link)
  parentElement.appendChild(root)
  location.replace(address)
}

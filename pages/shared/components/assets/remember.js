// An identity provider redirects back to the first screen. So this script stores the path that the
// user opened; leave.js reads it.
export default function ({ data }) {
  if (location.pathname === data.home) return
  sessionStorage.setItem("ground-booking-wanted", location.pathname + location.search)
}

// At the door of an identity provider, which sends everybody back to the first screen: this window
// keeps where it wanted to be. leave.js reads it.
export default function ({ data }) {
  if (location.pathname === data.home) return
  sessionStorage.setItem("ground-booking-wanted", location.pathname + location.search)
}

// Passes the version that the polling fallback has read to the live client of this screen.
export default function ({ data }) {
  window.dispatchEvent(new CustomEvent("ground-booking:poll", { detail: data }))
}

// What the timer found out, told to the pulse of this screen.
export default function ({ data }) {
  window.dispatchEvent(new CustomEvent("ground-booking:floor", { detail: data }))
}

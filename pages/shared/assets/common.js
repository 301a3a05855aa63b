// Shared by the elements below; it stands in front of each one's own script.
const make = (tag, className, text) => {
  const node = document.createElement(tag)
  if (className) node.className = className
  // Text only, ever: what people typed is never read as markup.
  if (text !== undefined && text !== null) node.textContent = text
  return node
}
// Says a moment as "10:12:07 AM", by the clocks of a time zone.
const clockOf = zone => {
  const format = new Intl.DateTimeFormat("en-US", { hour: "numeric", minute: "2-digit", second: "2-digit", hour12: true, timeZone: zone })
  return moment => format.format(moment).replace(/\s/g, " ")
}
const isDark = element => {
  const host = element.host ?? element
  const color = getComputedStyle(host).getPropertyValue("--st-background-color").trim()
  const hex = /^#([0-9a-f]{6})$/i.exec(color)
  if (!hex) return matchMedia("(prefers-color-scheme: dark)").matches
  const value = parseInt(hex[1], 16)
  return (value >> 16) * 0.3 + ((value >> 8) & 255) * 0.59 + (value & 255) * 0.11 < 110
}

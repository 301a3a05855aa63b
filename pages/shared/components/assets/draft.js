// Keeps what the user has typed and not sent, in this tab: it survives a reload, the end of the
// session and a restart of the app. Another user of the tab never gets it, and signing out drops it.
const DRAFT = "ground-booking-draft"

function stored(account) {
  try {
    const { account: owner, values } = JSON.parse(sessionStorage.getItem(DRAFT))
    return owner === account ? values : null
  } catch {
    return null
  }
}

export default function ({ data, setTriggerValue }) {
  const { account, values, isNew } = data
  const kept = stored(account)
  if (isNew && kept) {
    sendWhenIdle(() => setTriggerValue("restored", kept))
  } else if (Object.values(values).some(Boolean)) {
    sessionStorage.setItem(DRAFT, JSON.stringify({ account, values }))
  } else {
    sessionStorage.removeItem(DRAFT)
  }
}

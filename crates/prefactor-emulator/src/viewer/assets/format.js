// Times and numbers as people read them. Times come in microseconds.

const NUMBER = new Intl.NumberFormat('en');
const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
const DAY = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit' });

export const now = () => Date.now() * 1000;

export const count = (number) => NUMBER.format(number);

export function counted(number, noun) {
  return `${count(number)} ${noun}${number === 1 ? '' : 's'}`;
}

/** Three digits or so, in the unit that fits. */
export function duration(micros) {
  const ms = Math.max(0, micros) / 1000;
  if (ms === 0) return '0 ms';
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1000) return `${digits(ms)} ms`;
  if (ms < 60_000) return `${digits(ms / 1000)} s`;
  const seconds = Math.floor(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} m ${two(seconds % 60)} s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor(seconds / 60) % 60)} m`;
  return `${Math.floor(seconds / 86_400)} d ${Math.floor(seconds / 3600) % 24} h`;
}

/** The time of day, with the date when it is another day. */
export function moment(micros) {
  const date = new Date(micros / 1000);
  const isToday = date.toDateString() === new Date().toDateString();
  return isToday ? CLOCK.format(date) : DAY.format(date);
}

/** Exactly when. */
export function exact(iso) {
  return iso ? iso.replace('T', ' ').replace('Z', ' UTC') : '–';
}

function digits(number) {
  if (number >= 100) return String(Math.round(number));
  return number.toFixed(number >= 10 ? 1 : 2);
}

function two(number) {
  return String(number).padStart(2, '0');
}

// Makes elements. Text only ever becomes a text node, so nothing in it can be markup.

/** `h('p', { class: 'dim', onclick }, 'text', child)`: listeners by `on…`, `hidden` and the like as flags, the rest as attributes. */
export function h(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (typeof value === 'boolean') element.toggleAttribute(name, value);
    else if (value !== undefined && value !== null) element.setAttribute(name, value);
  }
  element.append(...present(children));
  return element;
}

/** Without the places where there is nothing to show. */
export function present(children) {
  return children.filter((child) => child !== null && child !== undefined);
}

/** A button that is never a form's. */
export function button(text, properties = {}) {
  return h('button', { type: 'button', ...properties }, text);
}

/** Where a run or a span stands, as a word with a mark. */
export function statusPill(status) {
  return h('span', { class: 'pill', 'data-status': status }, status);
}

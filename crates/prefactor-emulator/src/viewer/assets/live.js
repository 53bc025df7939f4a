// Listens for notices that something has changed.

/** Calls `onNotice` with each notice and `onState` with `live`, `lost` or `paused`. */
export function follow(onNotice, onState) {
  let source = null;

  function open() {
    source = new EventSource('/__viewer/events');
    source.onopen = () => onState('live');
    source.onmessage = (event) => onNotice(JSON.parse(event.data));
    source.onerror = () => {
      onState('lost');
      // It tries again by itself, unless it was refused.
      if (source?.readyState === EventSource.CLOSED) setTimeout(update, 2000);
    };
  }

  // A browser has few connections to one host: a page nobody looks at gives its own back.
  function update() {
    source?.close();
    source = null;
    if (document.hidden) onState('paused');
    else open();
  }

  document.addEventListener('visibilitychange', update);
  update();
}

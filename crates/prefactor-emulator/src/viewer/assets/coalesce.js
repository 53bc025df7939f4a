// Work that is asked for more often than it can be done.

/**
 * Does `work` at once, and once more if asked meanwhile: never twice at the same time. It fails without harm. Between two
 * turns it rests as long as the last one took, so that big runs leave time for whoever scrolls through them.
 */
export function coalesced(work) {
  let isRunning = false;
  let again = false;
  return async () => {
    again = true;
    if (isRunning) return;
    isRunning = true;
    while (again) {
      again = false;
      const begun = performance.now();
      try {
        await work();
      } catch (error) {
        // The emulator is gone, which the mark in the header says; the next notice asks again.
        if (!(error instanceof TypeError)) console.error(error);
      }
      await rest(performance.now() - begun);
    }
    isRunning = false;
  };
}

function rest(milliseconds) {
  return new Promise((done) => setTimeout(done, milliseconds));
}

/** Calls `draw` once before the next frame, however often it is asked. */
export function beforeFrame(draw) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      draw();
    });
  };
}

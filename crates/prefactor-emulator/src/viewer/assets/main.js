// Puts the parts of the page together.

import { Details } from './details.js';
import { counted } from './format.js';
import { setUpKeys } from './keys.js';
import { follow } from './live.js';
import { addressOf, go, here, onMove } from './route.js';
import { RunPane } from './run.js';
import { RunsPane } from './runs.js';
import { TerminateDialog } from './terminate.js';
import { setUpTheme } from './theme.js';

const part = (id) => document.getElementById(id);

setUpTheme(part('theme'));
const details = new Details(part('details'), { onClose: () => go({ run: here().run }) });
const terminate = new TerminateDialog(part('terminate'));
const runs = new RunsPane(part('runs'));
const run = new RunPane(part('run'), { details, terminate });
setUpKeys({ runs, run, details });

function move() {
  const place = here();
  const { run: id, span, about } = place;
  part('panes').dataset.view = span || about ? 'details' : id ? 'run' : 'list';
  runs.open(id);
  run.open(place);
}

onMove(move);
move();

let account = null;
follow(
  (notice) => {
    // Another emulator answers: nothing this page knows is true of it.
    if (account && account !== notice.account) location.replace(addressOf({}));
    account = notice.account;
    part('totals').textContent = `${counted(notice.runs, 'run')} · ${counted(notice.spans, 'span')}`;
    runs.refresh();
    run.refresh();
  },
  (state) => {
    part('live').dataset.state = state;
    part('live').textContent = { live: 'live', lost: 'reconnecting', paused: 'paused' }[state];
  },
);

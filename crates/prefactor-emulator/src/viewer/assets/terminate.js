// Asks for a reason and ends a run.

import { terminate } from './api.js';
import { button, h } from './dom.js';

export class TerminateDialog {
  #dialog;
  #run = null;

  constructor(dialog) {
    this.#dialog = dialog;
    this.reason = h('input', { required: true, maxlength: '500', autocomplete: 'off', id: 'reason', placeholder: 'It runs in circles' });
    this.error = h('p', { class: 'error', role: 'alert' });
    const form = h('form', {
      onsubmit: (event) => {
        event.preventDefault();
        this.#send();
      },
    },
      h('h2', { id: 'terminate-title' }, 'Terminate this run?'),
      h('p', {}, 'Its agent is told with the answer to its next span call, or when it asks. This can’t be undone.'),
      h('label', { for: 'reason' }, 'Reason'),
      this.reason,
      this.error,
      h('div', { class: 'buttons' },
        button('Cancel', { onclick: () => dialog.close() }),
        h('button', { class: 'danger' }, 'Terminate')),
    );
    dialog.append(form);
  }

  open(run) {
    this.#run = run;
    this.reason.value = '';
    this.error.textContent = '';
    this.#dialog.showModal();
    this.reason.focus();
  }

  async #send() {
    const reason = this.reason.value.trim();
    if (!reason) {
      this.error.textContent = 'Say why: the agent is told.';
      return;
    }
    try {
      await terminate(this.#run, reason);
      this.#dialog.close();
    } catch (error) {
      this.error.textContent = error.message;
    }
  }
}

// Who asks: the token that a person entered. It is kept in memory only, so that whoever opens the page next is asked again.

const dialog = document.querySelector('#enter');
const field = document.querySelector('#enter-token');
const reason = document.querySelector('#enter-why');
const again = document.querySelector('#enter-again');
let token = null;
let declined = false;

/** The daemon does not let in who asks. */
export class NotLetIn extends Error {}

/** The header that says who asks. */
export const authorization = () => (token === null ? {} : { Authorization: `Bearer ${token}` });

/** The daemon let us in. */
export function letIn() {
  again.hidden = true;
  declined = false;
}

/** The daemon did not let us in: asks for a token, unless the person chose not to say one. */
export function notLetIn(why) {
  token = null;
  again.hidden = false;
  if (reason.textContent !== why) reason.textContent = why;
  if (!declined) open();
}

/** Has this called when a token was entered. */
export function whenEntered(callback) {
  dialog.addEventListener('close', () => {
    const entered = field.value.trim();
    field.value = '';
    declined = dialog.returnValue !== 'yes' || entered === '';
    if (declined) return;
    token = /^[!-~]+$/.test(entered) ? entered : '?'; // a header cannot have other characters, nor can a token
    callback();
  });
}

function open() {
  if (document.querySelector('dialog[open]')) return;
  dialog.returnValue = '';
  dialog.showModal();
  field.focus();
}

field.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.isComposing) return;
  event.preventDefault();
  if (!event.repeat) dialog.close('yes');
});

again.addEventListener('click', open);

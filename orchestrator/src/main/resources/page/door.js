// Who asks: the token that a person entered. It is kept in memory only, so that whoever opens the page next is asked again.

const dialog = document.querySelector('#enter');
const field = document.querySelector('#enter-token');
const reason = document.querySelector('#enter-why');
const again = document.querySelector('#enter-again');
let token = null;
let declined = false;
let wanted = false;

/** The daemon does not let in who asks; `sent` is the token that it was asked with. */
export class NotLetIn extends Error {
  constructor(message, sent) {
    super(message);
    this.sent = sent;
  }
}

/** The token that is sent; null for none. */
export const currentToken = () => token;

/** The daemon let us in, at least to look. Where it wanted a token for more, one can still be entered. */
export function letIn() {
  declined = false;
  again.hidden = !(wanted && token === null);
}

/** The daemon would allow more to somebody else. */
export function mayEnter() {
  wanted = true;
  again.hidden = false;
}

/** The daemon did not let us in: asks for a token, unless the person chose not to say one, or has said another meanwhile. */
export function notLetIn(problem) {
  if (problem.sent !== token) return;
  token = null;
  mayEnter();
  if (reason.textContent !== problem.message) reason.textContent = problem.message;
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

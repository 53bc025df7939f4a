// Light, dark, or as the system has it.

const KEY = 'prefactor-theme';
const THEMES = ['system', 'light', 'dark'];
const MARKS = { system: '◐', light: '☀', dark: '☾' };

export function setUpTheme(button) {
  let theme = THEMES.includes(localStorage.getItem(KEY)) ? localStorage.getItem(KEY) : 'system';

  function show() {
    document.documentElement.dataset.theme = theme;
    button.textContent = MARKS[theme];
    button.title = `Theme: ${theme}`;
    button.setAttribute('aria-label', button.title);
  }

  button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length];
    localStorage.setItem(KEY, theme);
    show();
    // Pictures drawn by hand take their colours from the theme.
    dispatchEvent(new Event('themechange'));
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => dispatchEvent(new Event('themechange')));
  show();
}

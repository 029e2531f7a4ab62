'use strict';
for (const table of document.querySelectorAll('table[data-sort]')) {
  const body = table.tBodies[0];
  const heads = [...table.querySelectorAll('th[data-column]')];
  for (const head of heads) {
    const button = document.createElement('button');
    button.type = 'button';
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of heads) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const value = row => row.cells[head.dataset.column].dataset.value;
      // Cells without a figure come last either way.
      const order = (a, b) => {
        if (value(a) === '' || value(b) === '') return (value(a) === '') - (value(b) === '');
        return (down ? -1 : 1) * (value(a) - value(b));
      };
      body.append(...[...body.rows].sort(order));
    });
  }
}

#!/usr/bin/env python3
"""Looks at reports and pictures as a person would, in headless Chromium.

    check.py [--shots DIR] FILE...

Each HTML file: no complaint in the console, no request, nothing wider than the screen at 360 and 1440 pixels, all text
with a contrast of 4.5 or more, in both themes; the table reached and sorted by keyboard; nothing cut off on paper.
Each SVG file: no request, every text inside the frame, no text on another, contrast of 4.5, in both themes.
"""

import base64
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from devtools import Browser, Page  # noqa: E402

WIDTHS, SCHEMES = [360, 1440], ["light", "dark"]

# Contrast by WCAG 2.1: relative luminance of the text and of the first background behind it that is not transparent.
CONTRAST = r"""
(() => {
  const parse = color => {
    const n = (color.match(/[\d.]+/g) || []).map(Number);
    return n.length >= 3 ? { rgb: n.slice(0, 3), alpha: n.length > 3 ? n[3] : 1 } : { rgb: [0, 0, 0], alpha: 0 };
  };
  const luminance = rgb => {
    const [r, g, b] = rgb.map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    for (let e = element; e; e = e.parentElement) {
      const color = parse(getComputedStyle(e).backgroundColor);
      if (color.alpha === 1) return color.rgb;
    }
    return [255, 255, 255];
  };
  const fillBehind = text => {
    // The last shape painted before the text that lies under its middle.
    const box = text.getBBox(), x = box.x + box.width / 2, y = box.y + box.height / 2;
    let found = null;
    for (const shape of text.ownerSVGElement.querySelectorAll('rect[class^="f-"]')) {
      if (!(shape.compareDocumentPosition(text) & Node.DOCUMENT_POSITION_FOLLOWING)) continue;
      const b = shape.getBBox();
      if (b.x <= x && x <= b.x + b.width && b.y <= y && y <= b.y + b.height) found = shape;
    }
    return found ? parse(getComputedStyle(found).fill).rgb : behind(text.ownerSVGElement);
  };
  const found = [];
  let seen = 0;
  const walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.getClientRects().length) continue;
    if (['TITLE', 'STYLE', 'SCRIPT', 'title', 'desc', 'style'].includes(element.tagName)) continue;
    const svg = element.tagName === 'text', style = getComputedStyle(element);
    const front = parse(svg ? style.fill : style.color).rgb, back = svg ? fillBehind(element) : behind(element);
    const [a, b] = [luminance(front), luminance(back)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen++;
    if (contrast < 4.5) found.push(`${contrast.toFixed(2)}: ${walker.currentNode.textContent.trim().slice(0, 40)}`);
  }
  return { seen, found: found.slice(0, 10) };
})()
"""

# Boxes of all texts as the browser set them, against the frame and each other.
BOXES = r"""
(() => {
  const svgs = document.documentElement.tagName === 'svg' ? [document.documentElement]
    : [...document.querySelectorAll('svg.chart')].filter(svg => svg.getClientRects().length);
  const wrong = [];
  let seen = 0;
  for (const svg of svgs) {
    const frame = svg.viewBox.baseVal;
    const texts = [...svg.querySelectorAll('text')].map(text => ({ box: text.getBBox(), text: text.lastChild.data }));
    seen += texts.length;
    for (const { box, text } of texts) {
      if (box.x < frame.x || box.y < frame.y || box.x + box.width > frame.x + frame.width
        || box.y + box.height > frame.y + frame.height) wrong.push(`outside: ${text}`);
    }
    texts.sort((a, b) => a.box.y - b.box.y);
    texts.forEach((a, place) => {
      for (let next = place + 1; next < texts.length; next++) {
        const b = texts[next];
        // A line's box is higher than its letters: what only touches above or below is not on each other.
        if (b.box.y > a.box.y + a.box.height - 3) break;
        if (a.box.x < b.box.x + b.box.width && b.box.x < a.box.x + a.box.width) wrong.push(`${a.text} on ${b.text}`);
      }
    });
  }
  return { seen, wrong: wrong.slice(0, 10) };
})()
"""

WIDER = r"""
(() => {
  const wide = document.documentElement.scrollWidth;
  const out = [...document.querySelectorAll('body *')].filter(e => {
    if (e.closest('.scroll') && !e.classList.contains('scroll')) return false;
    const r = e.getBoundingClientRect();
    return r.width > 1 && (r.right > innerWidth + 1 || (r.left < -1 && !e.classList.contains('skip')));
  });
  return { wide, inner: innerWidth, out: out.slice(0, 5).map(e => e.outerHTML.slice(0, 80)) };
})()
"""

FOCUS = """(() => { const e = document.activeElement;
  return { tag: e.tagName, role: e.getAttribute('role'), text: e.textContent.trim().slice(0, 30),
           sort: e.closest('th') && e.closest('th').getAttribute('aria-sort'),
           outline: getComputedStyle(e).outlineStyle }; })()"""

problems, passed = [], 0


def check(what, fine, detail=""):
    global passed
    if fine:
        passed += 1
    else:
        problems.append(f"{what}: {detail}")
        print(f"FAILED {what}: {detail}", file=sys.stderr)


def contrast(page, where):
    found = page.run(CONTRAST)
    check(f"{where}: contrast of {found['seen']} texts", found["seen"] > 0 and not found["found"], found["found"])


def boxes(page, where, some=True):
    found = page.run(BOXES)
    check(f"{where}: {found['seen']} labels in place", not found["wrong"] and (found["seen"] > 0 or not some),
          found["wrong"])


def keyboard(page, where):
    """Tab by tab to the table, into it, and sorting by a heading."""
    names = page.run("document.querySelectorAll('table[data-sort] tbody th').length")
    region = button = None
    for _ in range(60):
        page.key("Tab", 9)
        at = page.run(FOCUS)
        if at["role"] == "region" and region is None:
            region = at
        if at["tag"] == "BUTTON":
            button = at
            break
    check(f"{where}: the table's region has the focus by Tab", region is not None and region["outline"] != "none", region)
    check(f"{where}: a heading has the focus by Tab", button is not None and button["outline"] != "none", button)
    if button is None:
        return
    # On to a column of figures.
    page.key("Tab", 9)
    column = "document.activeElement.closest('th').dataset.column"
    values = f"""[...document.querySelectorAll('table[data-sort] tbody tr')]
        .map(row => row.cells[{column}].dataset.value).filter(v => v !== '').map(Number)"""
    for key, code, text, down in [("Enter", 13, "\r", False), (" ", 32, " ", True)]:
        page.key(key, code, text)
        at, got = page.run(FOCUS), page.run(values)
        check(f"{where}: sorted by {key!r}", got == sorted(got, reverse=down), got)
        check(f"{where}: says that it is sorted", at["sort"] == ("descending" if down else "ascending"), at)
    check(f"{where}: no row is lost",
          page.run("document.querySelectorAll('table[data-sort] tbody th').length") == names)


def paper(page, where, shots):
    """As paged by the browser: nothing may be wider than the page."""
    data = base64.b64decode(page.call("Page.printToPDF", seconds=120, printBackground=True, preferCSSPageSize=True)["data"])
    check(f"{where}: a PDF comes out", data.startswith(b"%PDF") and len(data) > 5000, len(data))
    if shots:
        with open(os.path.join(shots, "report.pdf"), "wb") as file:
            file.write(data)
    # A4 across, 12 mm free at each side, in CSS pixels.
    across = round((297 - 24) / 25.4 * 96)
    page.call("Emulation.setDeviceMetricsOverride", width=across, height=700, deviceScaleFactor=1, mobile=False)
    page.scheme("light", "print")
    wide = page.run(r"""[...document.querySelectorAll('body *')].filter(e => e.getClientRects().length &&
        !e.classList.contains('heard') && e.getBoundingClientRect().right > innerWidth + 1)
        .slice(0, 5).map(e => e.outerHTML.slice(0, 90))""")
    check(f"{where}: nothing is cut off on paper", not wide, wide)


def html(browser, file, shots):
    for width in WIDTHS:
        for scheme in SCHEMES:
            where = f"{os.path.basename(file)} at {width}, {scheme}"
            page = Page(browser, file, width, scheme)
            if shots:
                page.shot(os.path.join(shots, f"{os.path.basename(file)}-{width}-{scheme}.png"))
            page.run("document.querySelectorAll('details').forEach(d => d.open = true)")
            wider = page.run(WIDER)
            check(f"{where}: no overflow", wider["wide"] <= wider["inner"] and not wider["out"], wider)
            contrast(page, where)
            boxes(page, where, some=False)
            if scheme == "light":
                page.run("document.querySelectorAll('details').forEach(d => d.open = false)")
                keyboard(page, where)
            if width == 1440 and scheme == "light":
                paper(page, where, shots)
            complaints = page.complaints()
            check(f"{where}: no complaint, no request", not complaints, complaints)
            page.close()


def svg(browser, file, shots):
    for scheme in SCHEMES:
        where = f"{os.path.basename(file)}, {scheme}"
        page = Page(browser, file, 1000, scheme)
        if shots:
            page.shot(os.path.join(shots, f"{os.path.basename(file)}-{scheme}.png"))
        contrast(page, where)
        boxes(page, where)
        complaints = page.complaints()
        check(f"{where}: no complaint, no request", not complaints, complaints)
        page.close()


def main(args):
    shots = None
    if args[:1] == ["--shots"]:
        shots, args = args[1], args[2:]
        os.makedirs(shots, exist_ok=True)
    if not args:
        raise SystemExit(__doc__)
    with Browser() as browser:
        for file in args:
            (html if file.endswith(".html") else svg)(browser, file, shots)
    print(f"{passed} passed, {len(problems)} failed")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

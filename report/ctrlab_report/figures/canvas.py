"""Draws SVG: shapes have CSS classes instead of colors, so that one figure suits light and dark themes and print.

No plotting library is used, because the page needs what those do not provide: colors that follow the reader's theme
through CSS variables, text that remains text, and bytes that depend only on the numbers.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 480
"""Width of every figure in units: text of 12 units is readable on a phone and not too large on a desktop."""

CHARACTER_WIDTH = 7.4
"""Width in units of one character of the 12-unit text, in the widest of the usual sans-serif fonts."""

THEME_VARIABLES = (
    ":root{--ink:#1c2430;--soft:#5b6675;--grid:#d9dee5;--band:#0072b2;--c0:#0072b2;--c1:#b84a00;--c2:#00795b;"
    "--c3:#a3387a;--c4:#7a6000;--c5:#3c4fb0;--paper:#fff}"
    "@media (prefers-color-scheme:dark){:root{--ink:#e8ecf1;--soft:#a2adba;--grid:#38424f;--band:#56b4e9;--c0:#56b4e9;"
    "--c1:#ff9a5c;--c2:#3fcf9f;--c3:#f08cc6;--c4:#e6c84c;--c5:#a3b1ff;--paper:#12171e}}"
    "svg{background:var(--paper)}"
)
"""CSS variables of a figure in a separate file; in a page, the variables of the page apply.

The contrast of each color with the paper is at least 4.5 to 1 in both themes, and each series has its own marker."""

SVG_CLASSES = (
    ".t{font:12px system-ui,sans-serif;fill:var(--ink)}.s{fill:var(--soft)}.m{text-anchor:middle}.e{text-anchor:end}"
    ".b{font-weight:600}.g{stroke:var(--grid);stroke-width:1;fill:none}.a{stroke:var(--soft);stroke-width:1;fill:none}"
    ".z{stroke:var(--ink);stroke-width:1.2;stroke-dasharray:4 3;fill:none}.band{fill:var(--band);opacity:.13}"
    + "".join(
        f".f{i}{{fill:var(--c{i})}}.l{i}{{stroke:var(--c{i});stroke-width:1.8;fill:none}}"
        f".o{i}{{fill:var(--c{i});fill-opacity:.45}}"
        for i in range(6)
    )
    + ".h{fill:none;stroke:var(--ink);stroke-width:1.5}.thin{stroke-width:1;opacity:.6}"
    ".dash{stroke-dasharray:5 3;opacity:1}.hatch{fill:var(--soft);opacity:.35}"
)
"""CSS: t text, s soft, m middle, e end; g grid, a axis, z reference line; f, l, o fill, line, pale fill of a series."""


@dataclass(frozen=True)
class Figure:
    """One finished figure; `alt` describes its content to readers who cannot see it."""

    name: str
    title: str
    alt: str
    caption: str
    height: int
    body: str

    def inline_svg(self) -> str:
        """Return the SVG element for a page, which defines the colors."""
        return self._svg("")

    def svg_file(self) -> bytes:
        """Return the content of a separate SVG file."""
        return (self._svg(f"<style>{THEME_VARIABLES}{SVG_CLASSES}</style>") + "\n").encode()

    def _svg(self, style: str) -> str:
        title, description = f"{self.name}-title", f"{self.name}-text"
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" role="img" '
            f'aria-labelledby="{title} {description}"><title id="{title}">{escape(self.title)}</title>'
            f'<desc id="{description}">{escape(self.alt)}</desc>{style}{self.body}</svg>'
        )


@dataclass(frozen=True)
class Scale:
    """A linear map from data to units, with round ticks."""

    low: float
    high: float
    start: float
    end: float

    @classmethod
    def over(cls, values: Iterable[float], start: float, end: float, pad: float = 0.06) -> "Scale":
        """Return a scale over all values, with a margin of `pad` times their range on both sides."""
        numbers = list(values)
        low, high = min(numbers), max(numbers)
        margin = (high - low) * pad or abs(high) * 0.01 or 1.0
        return cls(low - margin, high + margin, start, end)

    def __call__(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, target: int = 5) -> list[float]:
        """Return about `target` ticks in the range: multiples of 1, 2 or 5 times a power of ten."""
        rough = (self.high - self.low) / target
        power = 10 ** math.floor(math.log10(rough))
        step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        first = math.ceil(self.low / step - 1e-9)
        last = math.floor(self.high / step + 1e-9)
        return [round(index * step, 12) for index in range(first, last + 1)]


class Canvas:
    """Collects shapes; coordinates are units from the top left corner."""

    def __init__(self) -> None:
        self._parts: list[str] = []

    @property
    def body(self) -> str:
        """The SVG of all shapes."""
        return "".join(self._parts)

    def line(self, x1: float, y1: float, x2: float, y2: float, classes: str) -> None:
        """Draw a straight line."""
        self._parts.append(f'<path class="{classes}" d="M{_n(x1)} {_n(y1)}L{_n(x2)} {_n(y2)}"/>')

    def path(self, points: Sequence[tuple[float, float]], classes: str) -> None:
        """Draw straight lines from point to point."""
        segments = "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
        self._parts.append(f'<path class="{classes}" d="M{segments}"/>')

    def rectangle(self, x: float, y: float, width: float, height: float, classes: str) -> None:
        """Draw a filled rectangle."""
        size = f'width="{_n(max(width, 0))}" height="{_n(height)}"'
        self._parts.append(f'<rect class="{classes}" x="{_n(x)}" y="{_n(y)}" {size}/>')

    def text(self, x: float, y: float, content: str, classes: str = "t") -> None:
        """Draw text with its baseline at y."""
        self._parts.append(f'<text class="{classes}" x="{_n(x)}" y="{_n(y)}">{escape(content)}</text>')

    def marker(self, x: float, y: float, series: int, radius: float, classes: str, label: str = "") -> None:
        """Draw a series' marker: circle, square, diamond, triangle, inverted triangle, bar; `label` shows on hover."""
        r = radius
        shapes = (
            f"M{_n(x - r)} {_n(y)}a{_n(r)} {_n(r)} 0 1 0 {_n(2 * r)} 0a{_n(r)} {_n(r)} 0 1 0 {_n(-2 * r)} 0z",
            f"M{_n(x - r)} {_n(y - r)}h{_n(2 * r)}v{_n(2 * r)}h{_n(-2 * r)}z",
            f"M{_n(x)} {_n(y - 1.3 * r)}l{_n(1.3 * r)} {_n(1.3 * r)}l{_n(-1.3 * r)} {_n(1.3 * r)}"
            f"l{_n(-1.3 * r)} {_n(-1.3 * r)}z",
            f"M{_n(x)} {_n(y - 1.2 * r)}l{_n(1.2 * r)} {_n(2.1 * r)}h{_n(-2.4 * r)}z",
            f"M{_n(x)} {_n(y + 1.2 * r)}l{_n(1.2 * r)} {_n(-2.1 * r)}h{_n(-2.4 * r)}z",
            f"M{_n(x - 0.6 * r)} {_n(y - 1.2 * r)}h{_n(1.2 * r)}v{_n(2.4 * r)}h{_n(-1.2 * r)}z",
        )
        title = f"<title>{escape(label)}</title>" if label else ""
        self._parts.append(f'<path class="{classes}" d="{shapes[series % 6]}">{title}</path>')


def _n(value: float) -> str:
    """Return a coordinate with at most one decimal."""
    return f"{value + 0:.1f}".removesuffix(".0")


def shorten(name: str, characters: int) -> str:
    """Return the name, shortened with an ellipsis to at most that many characters."""
    return name if len(name) <= characters else name[: characters - 1] + "…"


def label_width(names: Iterable[str], max_characters: int = 20) -> float:
    """Return the width in units of the longest name, of which at most `max_characters` are shown."""
    return min(max(len(name) for name in names), max_characters) * CHARACTER_WIDTH + 14

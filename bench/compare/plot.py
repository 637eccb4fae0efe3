"""The results as a picture: bars on a logarithmic scale, a line for each system."""

import math

from .cases import Results
from .report import late, middle, milliseconds

COLOURS = {"limit": "#888888", "netberth": "#0b6e99", "netberth, with hosts files": "#59a5c4"}
OTHERS = ["#c46a1b", "#7a4fa3", "#3d8b40"]
CASES = ["attach", "attach, new namespace", "attach, fresh process", "detach", "remove with the namespace"]
WIDTH, LEFT, BAR = 860, 230, 16


def colour(system: str, seen: dict[str, str]) -> str:
    if system not in seen:
        used = [one for one in seen.values() if one in OTHERS]
        seen[system] = COLOURS.get(system) or OTHERS[len(used) % len(OTHERS)]
    return seen[system]


def text(x: float, y: float, words: str, anchor: str = "start", weight: str = "normal") -> str:
    escaped = words.replace("&", "&amp;").replace("<", "&lt;")
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" font-weight="{weight}">{escaped}</text>'


def bars(results: Results, y: float, seen: dict[str, str]) -> tuple[list[str], float]:
    parts = [text(10, y, "milliseconds, median (bar) and p95 (line), logarithmic", weight="bold")]
    y += 14
    span = WIDTH - LEFT - 90
    place = lambda ms: LEFT + span * (math.log10(max(ms, 0.05)) + 1.3) / 3.6  # noqa: E731
    for case in CASES:
        for system, took in results.took.get(case, {}).items():
            value, tail, shade = middle(took), late(took), colour(system, seen)
            label = case if system == "limit" else ""
            parts.append(text(10, y + 12, label, weight="bold"))
            parts.append(text(LEFT - 8, y + 12, system, "end"))
            parts.append(f'<rect x="{LEFT}" y="{y:.0f}" width="{place(value) - LEFT:.1f}" height="{BAR - 3}" fill="{shade}"/>')
            parts.append(f'<line x1="{place(value):.1f}" x2="{place(tail):.1f}" y1="{y + 6:.0f}" y2="{y + 6:.0f}" stroke="{shade}"/>')
            parts.append(text(place(tail) + 6, y + 12, milliseconds(value)))
            y += BAR
        y += 8
    return parts, y


def curve(results: Results, y: float, seen: dict[str, str]) -> tuple[list[str], float]:
    marks = [(int(case.split()[1]), took) for case, took in results.took.items() if case.startswith("container ")]
    if not marks:
        return [], y
    height, last = 220, max(mark for mark, _ in marks)
    top = max(middle(took) for _, systems in marks for name, took in systems.items() if name in COLOURS)
    parts = [text(10, y, "the n-th container on one bridge, ms by n", weight="bold")]
    y += 14
    place = lambda n, ms: (60 + (WIDTH - 120) * n / last, y + height - height * min(ms / top, 1))  # noqa: E731
    for share in (0, 0.5, 1):
        level = y + height - height * share
        parts.append(f'<line x1="60" x2="{WIDTH - 60}" y1="{level:.0f}" y2="{level:.0f}" stroke="#dddddd"/>')
        parts.append(text(54, level + 4, milliseconds(top * share), "end"))
    for system in COLOURS:
        points = [place(mark, middle(took[system])) for mark, took in marks if system in took]
        if points:
            shade = colour(system, seen)
            line = " ".join(f"{x:.1f},{h:.1f}" for x, h in points)
            parts.append(f'<polyline points="{line}" fill="none" stroke="{shade}" stroke-width="2"/>')
    for mark, _ in marks:
        parts.append(text(place(mark, 0)[0], y + height + 16, str(mark), "middle"))
    return parts, y + height + 40


def picture(results: Results) -> str:
    seen: dict[str, str] = {}
    parts, y = bars(results, 24, seen)
    more, y = curve(results, y + 20, seen)
    x = 10.0
    for system, shade in seen.items():
        more.append(f'<rect x="{x:.0f}" y="{y - 10:.0f}" width="10" height="10" fill="{shade}"/>')
        more.append(text(x + 14, y, system))
        x += 30 + 7 * len(system)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 14:.0f}" font-family="sans-serif" font-size="12">'
    return "\n".join([head, '<rect width="100%" height="100%" fill="white"/>', *parts, *more, "</svg>\n"])

"""Figures as files: PNG, SVG and PDF by matplotlib, without a browser, and pages."""

from __future__ import annotations

import json
import math
import textwrap
from collections.abc import Mapping
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import numpy as np

from tunewell.arrays import Floats
from tunewell.errors import MissingExtra, SettingError
from tunewell.figures.figure import Axis, Figure, Layer, Panel
from tunewell.figures.page import figure_page

Theme = Literal["light", "dark"]
FORMATS = ("html", "png", "svg", "pdf")
_STATIC = Path(__file__).parent / "static"
_WIDE, _PANEL, _HIGH = 8.0, 3.4, 4.4  # inches
_DPI = 150
_MOST_IN_LEGEND = 9
_SYMBOLS = {
    None: "o", "circle": "o", "ring": "o", "cross": "x", "square": "s", "diamond": "D", "triangle-up": "^",
    "triangle-down": "v",
}  # fmt: skip
_DASHES = {None: "-", "dash": (0, (5, 3)), "dot": (0, (1.5, 2))}
_LETTER = 0.075  # inches
_SIZES = {"best": 40.0}


def save(figure: Figure, path: str | Path, theme: Theme = "light") -> Path:
    """Draw a figure into a file, HTML, PNG, SVG or PDF as its name ends, and return the path.

    Raises:
        MissingExtra: matplotlib is not installed, and it is no page.
        SettingError: the name ends otherwise, the folder is not there, or there is no such theme.
    """
    path = Path(path)
    kind = path.suffix.lower().removeprefix(".")
    if kind not in FORMATS:
        raise SettingError(
            f"a figure is saved as .html, .png, .svg or .pdf, got {path.name!r}; give the file one of these ends"
        )
    if not path.parent.is_dir():
        raise SettingError(f"there is no folder {str(path.parent)!r}; make it, or save elsewhere")
    path.write_bytes(figure_page(figure).encode() if kind == "html" else drawn(figure, kind, theme))
    return path


def drawn(figure: Figure, kind: str = "svg", theme: Theme = "light") -> bytes:
    """Return a figure as a file of this kind.

    Raises:
        MissingExtra: matplotlib is not installed.
        SettingError: there is no such theme.
    """
    from io import BytesIO  # noqa: PLC0415

    try:
        import matplotlib as mpl  # noqa: PLC0415  an extra, and slow to import
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415
        from matplotlib.figure import Figure as Canvas  # noqa: PLC0415
    except ImportError:
        raise MissingExtra("matplotlib", "figures", "a drawing of a figure") from None
    colors = _theme(theme)
    # texts are texts: no name is taken for mathematics, whatever the user's own settings are
    plain = {
        "font.family": "sans-serif", "font.size": 9.0, "text.parse_math": False, "text.usetex": False,
        "svg.fonttype": "path", "svg.hashsalt": "tunewell",
    }  # fmt: skip
    buffer = BytesIO()
    with mpl.rc_context(), np.errstate(all="ignore"):
        mpl.rcdefaults()
        mpl.rcParams.update(plain)
        canvas = Canvas(figsize=_size(figure), dpi=_DPI, facecolor=colors["ground"], layout="constrained")
        FigureCanvasAgg(canvas)
        _draw(canvas, figure, colors)
        import logging  # noqa: PLC0415
        import warnings  # noqa: PLC0415

        fonts = logging.getLogger("matplotlib.font_manager")
        level = fonts.level
        fonts.setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of letters that no font here has: they are boxes
                metadata = {"Date": None} if kind == "svg" else {"CreationDate": None} if kind == "pdf" else None
                canvas.savefig(buffer, format=kind, facecolor=colors["ground"], metadata=metadata)
        finally:
            fonts.setLevel(level)
    return buffer.getvalue()


@cache
def _themes() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_STATIC / "theme.json").read_text(encoding="utf-8"))
    return found


def _theme(theme: str) -> dict[str, Any]:
    known = _themes()
    if theme not in ("light", "dark"):
        raise SettingError(f'a theme is "light" or "dark", got {theme!r}')
    ramp = known["ramp"] if theme == "dark" else known["ramp"][::-1]
    return {**known[theme], "ramp": ramp, "signed": known["signed"]}


def _color(role: str, colors: Mapping[str, Any]) -> str:
    if role.startswith("series-"):
        return str(colors["series"][int(role.removeprefix("series-")) % len(colors["series"])])
    return str(colors.get(role, colors["some"]))


def _grid(n: int) -> tuple[int, int]:
    """Return rows and columns."""
    columns = 1 if n == 1 else 2 if n in (2, 4) else 3 if n <= 9 else 4
    return math.ceil(n / columns), columns


def _size(figure: Figure) -> tuple[float, float]:
    rows, columns = _grid(max(1, len(figure.panels)))
    if len(figure.panels) <= 1:
        panel = figure.panels[0] if figure.panels else Panel()
        lines = len(panel.y.ticks) if panel.y is not None and panel.y.scale == "category" else 0
        wide = _WIDE
        if panel.axes:
            wide = max(_WIDE, 1.35 * len(panel.axes))
        square = lines if figure.kind == "ranks" else 0
        if square:
            wide = max(_WIDE * 0.8, 0.62 * lines + 2.6)
        return wide, min(40.0, max(_HIGH if not lines else 2.2, 1.6 + (0.46 if square else 0.36) * lines))
    return max(_WIDE, _PANEL * columns * 0.95), 0.9 + 2.35 * rows


def _draw(canvas: Any, figure: Figure, colors: Mapping[str, Any]) -> None:
    rows, columns = _grid(max(1, len(figure.panels)))
    wide = canvas.get_size_inches()[0]
    canvas.suptitle(figure.title, x=0.012, ha="left", fontsize=11, fontweight="bold", color=colors["text"])
    caption = "\n".join(textwrap.wrap(figure.caption, int(16.5 * wide)))
    canvas.supxlabel(caption, x=0.012, ha="left", fontsize=8, color=colors["quiet"])
    entries: dict[str, Any] = {}
    places = []
    for i, panel in enumerate(figure.panels):
        ax = canvas.add_subplot(rows, columns, i + 1)
        places.append(ax)
        if panel.axes:
            _draw_parallel(ax, panel, colors, entries)
        else:
            _draw_panel(ax, panel, colors, entries, shares_y=i % columns > 0 and figure.panels[0].y is panel.y)
        if panel.title:
            ax.set_title(panel.title, fontsize=9, color=colors["text"])
        if panel.color is not None and i == 0:
            _color_bar(canvas, ax, panel, colors)
    if len(entries) > 0:
        shown = dict(list(entries.items())[:_MOST_IN_LEGEND])
        legend = canvas.legend(
            list(shown.values()), list(shown), loc="outside upper right", ncols=min(len(shown), 5), fontsize=8,
            frameon=False, handlelength=1.8, columnspacing=1.2, handletextpad=0.5,
        )  # fmt: skip
        for text in legend.get_texts():
            text.set_color(colors["text"])


def _draw_panel(
    ax: Any, panel: Panel, colors: Mapping[str, Any], entries: dict[str, Any], *, shares_y: bool
) -> None:  # fmt: skip
    ax.set_facecolor(colors["ground"])
    for side, spine in ax.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(colors["grid"])
    ax.tick_params(colors=colors["quiet"], labelsize=8, length=3, color=colors["grid"])
    assert panel.x is not None
    assert panel.y is not None
    _axis(ax.xaxis, panel.x, colors, along=ax.set_xlim)
    _axis(ax.yaxis, panel.y, colors, along=ax.set_ylim, labels=not shares_y)
    is_matrix = any(layer.mark == "heat" for layer in panel.layers)
    if not is_matrix:
        ax.grid(visible=True, color=colors["grid"], linewidth=0.6, axis="x" if panel.y.scale == "category" else "both")
        ax.set_axisbelow(True)
    for order, layer in enumerate(panel.layers, start=3):
        handle = _layer(ax, layer, panel, colors, order)
        if layer.label is not None and handle is not None:
            entries.setdefault(layer.label, handle)
    _spread_labels(ax, panel.x, ax.figure.get_size_inches()[0] / ax.get_subplotspec().get_gridspec().ncols)


def _axis(axis: Any, declared: Axis, colors: Mapping[str, Any], *, along: Any, labels: bool = True) -> None:
    low, high = _finite(declared.low), _finite(declared.high)
    along(low, high if high > low else low + 1.0)
    axis.set_ticks([place for place, _ in declared.ticks], [label for _, label in declared.ticks] if labels else None)
    if not labels:
        axis.set_ticklabels([""] * len(declared.ticks))
    elif declared.title:
        axis.set_label_text(declared.title, color=colors["text"], fontsize=9)


def _spread_labels(ax: Any, axis: Axis, inches: float) -> None:
    """Turn the labels below a panel where they would run into each other, or leave some out where they are numbers."""
    room = 0.8 * inches / _LETTER  # letters side by side
    if axis.scale == "category":
        longest = max((len(label) for _, label in axis.ticks), default=0)
        if (longest + 2) * len(axis.ticks) > room:
            ax.tick_params(axis="x", labelrotation=40)
            for label in ax.get_xticklabels():
                label.set_ha("right")
                label.set_rotation_mode("anchor")
        return
    labels = [label for _, label in axis.ticks]
    places = [room * (place - axis.low) / (axis.high - axis.low) for place, _ in axis.ticks]
    for step in range(1, len(labels) + 1):
        shown = range(0, len(labels), step)
        if all(places[b] - places[a] > (len(labels[a]) + len(labels[b])) / 2 + 1 for a, b in pairwise(shown)):
            break
    ax.set_xticklabels([label if i in shown else "" for i, label in enumerate(labels)])


def _finite(value: float) -> float:
    return min(max(value, -1e300), 1e300)


def _layer(ax: Any, layer: Layer, panel: Panel, colors: Mapping[str, Any], order: int) -> Any:
    color = _color(layer.color, colors)
    x, y, x2, y2 = (_array(one) for one in (layer.x, layer.y, layer.x2, layer.y2))
    dash = _DASHES.get(layer.dash, "-")
    match layer.mark:
        case "line":
            many = len(x) > 2000
            quiet = layer.color in ("some", "paused", "failed", "forecast")
            width, alpha = (
                (0.8, 0.4 if many else 0.65) if quiet else (1.8, 1.0) if layer.color == "best" else (1.3, 1.0)
            )
            return ax.plot(x, y, color=color, linewidth=width, alpha=alpha, linestyle=dash, zorder=order)[0]
        case "step":
            return ax.step(x, y, where="post", color=color, linewidth=1.6, linestyle=dash, zorder=order)[0]
        case "points":
            return _points(ax, layer, panel, colors, order)
        case "bars":
            from matplotlib.collections import PolyCollection  # noqa: PLC0415

            corners = np.stack(
                [np.stack([x, y], 1), np.stack([x2, y], 1), np.stack([x2, y2], 1), np.stack([x, y2], 1)], 1
            )  # fmt: skip
            edge = (
                colors["ground"] if panel.x is None or panel.x.scale != "time" else "none"
            )  # of short times only edges
            bars = PolyCollection(
                list(corners), facecolors=color, edgecolors=edge, linewidths=0.5, alpha=0.85, zorder=order
            )
            return ax.add_collection(bars, autolim=False)
        case "segments":
            from matplotlib.collections import LineCollection  # noqa: PLC0415

            ends = np.stack([np.stack([x, y], 1), np.stack([x2, y2], 1)], 1)
            return ax.add_collection(
                LineCollection(list(ends), colors=color, linewidths=1.8, zorder=order), autolim=False
            )  # fmt: skip
        case "band":
            low, high = _array(layer.low), _array(layer.high)
            return ax.fill_between(x, low, high, color=color, alpha=0.18, linewidth=0, zorder=order - 0.5)
        case "heat" | "density":
            return _cells(ax, layer, panel, colors)
        case "rule":
            quiet = layer.label is None
            width = 0.8 if quiet else 1.4
            for at in x.tolist():
                found = ax.axvline(at, color=color, linestyle=dash, linewidth=width, zorder=order)
            for at in y.tolist():
                found = ax.axhline(at, color=color, linestyle=dash, linewidth=width, zorder=order)
            return found if len(x) or len(y) else None
        case "text":
            _texts(ax, layer, panel, colors, order)
    return None


def _points(ax: Any, layer: Layer, panel: Panel, colors: Mapping[str, Any], order: int) -> Any:
    x, y = _array(layer.x), _array(layer.y)
    symbol = _SYMBOLS.get(layer.symbol, "o")
    size = _SIZES.get(layer.color, 22.0 if len(x) <= 300 else 10.0 if len(x) <= 3000 else 4.0)
    if layer.symbol == "diamond":
        size *= 0.8
    marks: dict[str, Any] = {"marker": symbol, "s": size, "zorder": order}
    if layer.color in ("value", "signed"):
        low, high = _range(panel)
        marks |= {
            "c": _array(layer.value), "cmap": _map(layer.color, panel, colors), "vmin": low, "vmax": high,
            "edgecolors": colors["ground"], "linewidths": 0.4,
        }  # fmt: skip
    elif layer.symbol == "ring":
        marks |= {"facecolors": "none", "edgecolors": _color(layer.color, colors), "linewidths": 1.1}
    elif layer.symbol == "cross":
        marks |= {"c": _color(layer.color, colors), "linewidths": 1.2}
    else:
        edge = colors["ground"] if len(x) <= 1000 else "none"
        marks |= {"c": _color(layer.color, colors), "edgecolors": edge, "linewidths": 0.5}
        marks["alpha"] = 0.9 if len(x) <= 300 else 0.6
    marks["clip_on"] = len(x) > 1000
    return ax.scatter(x, y, **marks)


def _cells(ax: Any, layer: Layer, panel: Panel, colors: Mapping[str, Any]) -> Any:
    from matplotlib.colors import ListedColormap, to_rgb  # noqa: PLC0415
    from matplotlib.patches import Patch  # noqa: PLC0415

    x, y, value = _array(layer.x), _array(layer.y), _array(layer.value)
    cells = value.reshape(len(y), len(x))
    edges = [_edges(x), _edges(y)]
    if layer.mark == "density":
        ground, ink = np.array(to_rgb(colors["ground"])), np.array(to_rgb(colors["ended"]))
        ramp = ListedColormap([ground + (ink - ground) * t for t in np.linspace(0.08, 0.95, 64)])
        shade = np.where(cells > 0, np.sqrt(cells), np.nan)
        ax.pcolormesh(*edges, shade, cmap=ramp, vmin=0, vmax=1, zorder=2.5, rasterized=True)
        return Patch(color=ramp(0.6))
    low, high = _range(panel)
    alpha = 0.75 if layer.color == "value" else 1.0
    gaps = {"edgecolors": colors["ground"], "linewidth": 1.5} if layer.color == "signed" and len(x) < 40 else {}
    ax.pcolormesh(
        *edges, cells, cmap=_map(layer.color, panel, colors), vmin=low, vmax=high, zorder=2.5, alpha=alpha, **gaps
    )  # fmt: skip
    return None


def _edges(middles: Floats) -> Floats:
    half = (middles[1] - middles[0]) / 2 if len(middles) > 1 else 0.5
    edges: Floats = np.append(middles - half, middles[-1] + half)
    return edges


def _texts(ax: Any, layer: Layer, panel: Panel, colors: Mapping[str, Any], order: int) -> None:
    in_cells = any(one.mark == "heat" for one in panel.layers)
    value = next((_array(one.value) for one in panel.layers if one.mark == "heat"), np.empty(0))
    x, y = _array(layer.x), _array(layer.y)
    assert panel.x is not None
    middle = (panel.x.low + panel.x.high) / 2
    for i, text in enumerate(layer.hover or ()):
        color = colors["quiet"]
        if in_cells:
            color = "#ffffff" if abs(value[i]) > 0.6 else "#1f2328"
        centred = in_cells or abs(x[i] - middle) < 1e-9 * (panel.x.high - panel.x.low)
        ax.text(
            x[i], y[i], text, ha="center" if centred else "left", va="center", fontsize=7.5 if in_cells else 8.5,
            color=color, zorder=order,
        )  # fmt: skip


def _map(role: str, panel: Panel, colors: Mapping[str, Any]) -> Any:
    from matplotlib.colors import LinearSegmentedColormap  # noqa: PLC0415

    if role == "signed":
        return LinearSegmentedColormap.from_list("signed", colors["signed"])
    best_is_low = panel.color is not None and panel.color.best == "low"
    ramp = colors["ramp"]  # towards the end that stands out of the ground
    return LinearSegmentedColormap.from_list("ramp", ramp[::-1] if best_is_low else ramp)


def _range(panel: Panel) -> tuple[float, float]:
    if panel.color is None:
        return 0.0, 1.0
    return panel.color.low, panel.color.high


def _color_bar(canvas: Any, ax: Any, panel: Panel, colors: Mapping[str, Any]) -> None:
    from matplotlib.cm import ScalarMappable  # noqa: PLC0415
    from matplotlib.colors import Normalize  # noqa: PLC0415

    assert panel.color is not None
    role = next((layer.color for layer in panel.layers if layer.color in ("value", "signed")), None)
    if role is None or panel.axes:  # parallel: the last axis has the values
        return
    mapped = ScalarMappable(Normalize(*_range(panel)), _map(role, panel, colors))
    bar = canvas.colorbar(mapped, ax=ax, pad=0.02, aspect=30)
    bar.outline.set_visible(False)
    bar.set_ticks([place for place, _ in panel.color.ticks], labels=[label for _, label in panel.color.ticks])
    bar.minorticks_off()
    bar.ax.tick_params(colors=colors["quiet"], labelsize=8, length=2)
    bar.set_label(panel.color.title, color=colors["text"], fontsize=9)


def _draw_parallel(ax: Any, panel: Panel, colors: Mapping[str, Any], entries: dict[str, Any]) -> None:
    from matplotlib.collections import LineCollection  # noqa: PLC0415
    from matplotlib.lines import Line2D  # noqa: PLC0415

    ax.set_facecolor(colors["ground"])
    k = len(panel.axes)
    lows = np.array([axis.low for axis in panel.axes])
    spans = np.array([axis.high - axis.low for axis in panel.axes])
    low, high = _range(panel)
    for order, layer in enumerate(panel.layers, start=3):
        y = (_array(layer.y).reshape(-1, k) - lows) / spans
        lines = np.stack([np.broadcast_to(np.arange(float(k)), y.shape), y], 2)
        alpha = float(np.clip(30 / max(1, len(y)), 0.12, 0.8))
        if layer.color == "value":
            shades = _map("value", panel, colors)((_array(layer.value) - low) / ((high - low) or 1.0))
            drawn = LineCollection(
                list(lines), colors=shades, linewidths=0.8, alpha=alpha, zorder=order, rasterized=True
            )
        else:
            drawn = LineCollection(
                list(lines), colors=_color(layer.color, colors), linewidths=0.8, alpha=alpha, zorder=order,
                linestyles=[_DASHES.get(layer.dash, "-")],
            )  # fmt: skip
            if layer.label:
                color, dash = _color(layer.color, colors), _DASHES.get(layer.dash, "-")
                entries.setdefault(layer.label, Line2D([], [], color=color, linestyle=dash))
        ax.add_collection(drawn, autolim=False)
    for i, axis in enumerate(panel.axes):
        ax.plot([i, i], [0, 1], color=colors["quiet"], linewidth=0.9, zorder=20)
        for place, label in axis.ticks:
            at = (place - axis.low) / ((axis.high - axis.low) or 1.0)
            ax.plot([i - 0.02, i], [at, at], color=colors["quiet"], linewidth=0.9, zorder=20)
            ax.text(
                i + 0.03, at, textwrap.shorten(label, 18, placeholder="…"), fontsize=7, va="center", zorder=21,
                color=colors["text"], bbox={"facecolor": colors["ground"], "alpha": 0.75, "pad": 0.6, "linewidth": 0},
            )  # fmt: skip
    ax.set_xlim(-0.15, k - 0.55)
    ax.set_ylim(-0.03, 1.03)
    ax.set_yticks([])
    titles = ["\n".join(textwrap.wrap(axis.title, 16)) or " " for axis in panel.axes]
    ax.set_xticks(range(k), titles)
    ax.xaxis.set_ticks_position("top")
    ax.tick_params(axis="x", length=0, labelsize=8, labelcolor=colors["text"])
    for spine in ax.spines.values():
        spine.set_visible(False)


def _array(values: Any) -> Floats:
    if values is None:
        return np.empty(0)
    # what lies beyond the largest number that matplotlib can draw between
    return np.clip(np.asarray(values, dtype=np.float64), -1e300, 1e300)

"""One HTML file of one or several studies, which opens anywhere and asks nothing of any network."""

from __future__ import annotations

import html
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from tunewell import figures
from tunewell.display.formatting import moment
from tunewell.figures import Figure
from tunewell.figures.page import figure_element, page
from tunewell.reporting.lessons import in_common, interactions, mattered, noise, wasted
from tunewell.reporting.passage import Passage
from tunewell.reporting.results import found, held_back, next_steps, reproduce, steered, sure
from tunewell.study.reader import StudyReader

_STYLE = """
:root { --line: light-dark(#d8dce2, #3a4250); --soft: light-dark(#f5f6f8, #1d222b);
  --text: light-dark(#1c2330, #e6e9ef); --quiet: light-dark(#5b6575, #9aa4b5); --ground: light-dark(#fff, #14181f); }
body { padding: 0; background: var(--ground); color: var(--text); font: 15px/1.55 system-ui, sans-serif; }
main { max-width: 1080px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 18px; margin: 36px 0 8px; padding-top: 12px; border-top: 1px solid var(--line); }
p { margin: 6px 0; max-width: 75ch; overflow-wrap: anywhere; } .quiet { color: var(--quiet); }
.scroll { overflow-x: auto; } table { border-collapse: collapse; margin: 8px 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line);
  max-width: 60ch; overflow-wrap: anywhere; } th { color: var(--quiet); font-weight: 600; }
pre { background: var(--soft); padding: 10px 12px; border-radius: 6px; overflow-x: auto; }
figure { margin: 12px 0; }
nav a { margin-right: 14px; } a { color: inherit; }
@media print { h2 { break-after: avoid; } figure { break-inside: avoid; } }
"""


def report_page(studies: Sequence[StudyReader]) -> str:
    """Return the page of one study, or of several side by side.

    Path("report.html").write_text(report_page([study.reader]), encoding="utf-8")
    """
    names = _names(studies)
    title = " and ".join(names[:3]) + (" and others" if len(studies) > 3 else "")
    body = "".join(_compared(studies, names)) if len(studies) > 1 else ""
    body += "".join("".join(_of_one(study, name)) for study, name in zip(studies, names, strict=True))
    return page(f"{title}: tunewell", f"<main>{body}</main>", _STYLE)


def _names(studies: Sequence[StudyReader]) -> list[str]:
    """Return what the studies are called: by their names, with the store where there are several of a name."""
    known = Counter(study.name for study in studies)
    return [study.name if known[study.name] == 1 else f"{study.name} in {study.url}" for study in studies]


def _of_one(study: StudyReader, name: str) -> Iterator[str]:
    known = study.record
    yield f"<h1>{html.escape(name)}</h1>"
    begun = moment(known.created_at)
    goal = f"{known.direction} {study.metric}; begun {begun}; report of {moment(time.time())}"
    yield f'<p class="quiet">{html.escape(goal)}</p>'
    fronts = [figures.front(study)] if study.aims.are_several else []
    yield from _passage(found(study), [*fronts, figures.history(study)])
    yield from _passage(sure(study), [figures.confirmed(study)] if study.confirmed() else [])
    weights = study.importance()
    yield from _passage(
        mattered(weights, study.metric),
        [] if weights.too_few else [figures.importance(study), figures.slices(study)],
    )
    yield from _passage(interactions(study.interactions()))
    yield from _passage(in_common(study.in_common()), [figures.parallel(study)])
    yield from _passage(held_back(study), [figures.curves(study)])
    yield from _passage(next_steps(study))
    yield from _passage(wasted(study.waste()), [figures.timeline(study)])
    yield from _passage(noise(study.noise(), study.metric))
    yield from _passage(steered(study))
    yield from _passage(reproduce(study))


def _compared(studies: Sequence[StudyReader], names: Sequence[str]) -> Iterator[str]:
    rows = []
    for study, name in zip(studies, names, strict=True):
        best = study.best_so_far
        rows.append(
            (
                name,
                f"{study.record.direction} {study.metric}",
                None if best is None else best.value,
                len(study.trials),
                study.spent.trained,
                moment(study.record.created_at),
            )
        )
    yield f"<h1>{len(studies)} studies</h1>"
    passage = Passage("Side by side", (), ("study", "goal", "best", "trials", "epochs", "begun"), tuple(rows))
    same = {(study.metric, study.maximize) for study in studies}
    yield from _passage(
        passage, [figures.distribution(studies[0], *studies[1:], names=names)] if len(same) == 1 else []
    )


def _passage(passage: Passage, drawn: Iterable[Figure] = ()) -> Iterator[str]:
    if passage.is_empty:
        return
    yield f"<section><h2>{html.escape(passage.title)}</h2>"
    if passage.rows:
        yield '<div class="scroll"><table><thead><tr>'
        yield from (f"<th>{html.escape(name)}</th>" for name in passage.columns)
        yield "</tr></thead><tbody>"
        for row in passage.rows:
            yield "<tr>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>"
        yield "</tbody></table></div>"
    yield from (f"<p>{html.escape(line)}</p>" for line in passage.lines)
    if passage.commands:
        yield f"<pre>{html.escape(chr(10).join(passage.commands))}</pre>"
    yield from (f"<figure>{figure_element(figure)}</figure>" for figure in drawn)
    yield "</section>"


def _cell(value: object) -> str:
    if value is None:
        return ""
    return html.escape(f"{value:.4g}" if isinstance(value, float) else str(value))

"""What a notebook shows of a record is text of the page, whatever stands in it."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

import tunewell as tw
from tunewell.markup import curve_svg, facts_table, heading, rows_table

TEXTS = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30)


class Read(HTMLParser):
    """The tags of a page, and its text."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


@given(TEXTS, TEXTS)
def test_no_text_becomes_markup(name, value):
    hostile = f"<script>{value}</script>"
    for page in (heading(hostile), facts_table({name: hostile}), rows_table([name], [[hostile]])):
        read = Read(page)
        assert "script" not in read.tags
        assert hostile.replace("\r\n", "\n").replace("\r", "\n") in read.text.replace("\r\n", "\n").replace("\r", "\n")


def test_a_curve_has_its_ends_in_numbers_and_leaves_out_what_is_not_finite():
    drawn = curve_svg([1.0, float("inf"), 0.25], "loss")
    assert len(drawn.split('points="')[1].split('"')[0].split()) == 2
    assert Read(drawn).text == "loss10.25"
    assert not curve_svg([0.5], "loss")


def test_a_study_and_a_trial_show_themselves():
    study = tw.Study(tw.Space(lr=tw.Float(0.1, 1.0)), metric="val_loss", max_epochs=2, budget="3trials", store="memory")
    assert "no finite val_loss yet" in Read(study._repr_html_()).text
    while (step := study.ask()) is not None:
        for epoch in step.epochs:
            study.report(step.trial, epoch, val_loss=step.params.lr / epoch)
        study.tell(step.trial)
    read = Read(study._repr_html_())
    assert f"{study.best.value:.4g}, trial {study.best.trial}, epoch 2" in read.text
    assert {"svg", "table"} <= read.tags
    assert study._repr_html_() == study.reader._repr_html_()
    trial = Read(study.trials[0]._repr_html_()).text
    assert f"lr{study.trials[0].params.lr:.4g}" in trial
    assert "state" in trial

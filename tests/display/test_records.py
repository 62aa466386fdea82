"""A study and its trials as plain data."""

import json
import math

import numpy as np

from tunewell.display.records import json_text


def test_json_has_strings_where_it_has_no_numbers():
    data = {"a": [math.nan, math.inf, -math.inf, np.float64(0.5), np.int64(3)], 1: (True, None)}
    assert json.loads(json_text(data)) == {"a": ["nan", "inf", "-inf", 0.5, 3], "1": [True, None]}

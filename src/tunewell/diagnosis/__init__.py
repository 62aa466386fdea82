"""What holds a training run back: from its record to ranked causes, with evidence and the next change."""

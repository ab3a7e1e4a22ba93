"""
Whether one build of the daemon costs more than another.

Both are measured once a round, in turns (A B, B A, ...), and one ratio is taken in each
round: ours to theirs.  The verdict is about the median of these ratios, by its 95 %
interval.  Rounds go on until the interval is narrow enough, whatever it says, so that no
verdict is reached by stopping when it is liked.

    within noise    the interval contains 1.00
    dearer          it lies above, and the median is more than is allowed
    cheaper         it lies below
    not resolved    it is too wide to tell, after as many rounds as were allowed

CPU time is what it costs, but it is noisy.  Instructions in user space and system calls
are hardly, so they are counted beside it, by callgrind.
"""

import random
from statistics import median

WITHIN, DEARER, CHEAPER, UNRESOLVED = "within noise", "dearer", "cheaper", "not resolved"


class Rule:
    """
    least: rounds; width: of the interval, at most; allowed: a median that is no
    dearer than that is within noise, although the interval lies above 1.
    """

    def __init__(self, least, width, allowed=1.0):
        self.least, self.width, self.allowed = least, width, allowed


TIME = Rule(20, 0.03)
INSTRUCTIONS = Rule(7, 0.01, 1.01)
CALLS = Rule(7, 0.03)


COSTS = ("cpu", "cpu_gib", "rss", "end")  # of a workload: the first that it has


def rules(metrics):
    """What a verdict on a workload with these metrics is about: (rule, metric)."""
    return [*((TIME, each) for each in COSTS if each in metrics)][:1] + [
        (INSTRUCTIONS, "instructions"), (CALLS, "calls")]


def interval(numbers):
    """95 % of the medians of rounds drawn at random from these, again and again (bootstrap)."""
    draw = random.Random(1)
    medians = sorted(median(draw.choices(numbers, k=len(numbers))) for _ in range(2000))
    return medians[50], medians[-51]


def is_resolved(rule, ratios):
    """Whether there is no need for another round."""
    if len(ratios) < rule.least:
        return False
    low, high = interval(ratios)
    return high - low <= rule.width


def judge(rule, ratios):
    if len(ratios) < rule.least:
        return UNRESOLVED
    low, high = interval(ratios)
    if high < 1:
        return CHEAPER
    if low > 1 and median(ratios) > rule.allowed:
        return DEARER
    return WITHIN if high - low <= rule.width else UNRESOLVED

"""From the rounds to medians, ratios, tables and charts."""

from statistics import median, quantiles

import verdict
from verdict import interval
from workloads import METRICS, targets

FOREIGN_LIMIT = 0.08  # with more CPU of others than this, a measurement is disturbed
ENOUGH = 3            # undisturbed rounds: then the disturbed ones do not count


def disturbed(measurement):
    return measurement.get("foreign", 0) > FOREIGN_LIMIT


def rounds_of(results, column, enough=ENOUGH):
    """The measurements that count: the undisturbed ones, or all where those are too few."""
    made = [each for each in results["columns"].get(column, []) if "failed" not in each]
    quiet = [each for each in made if not disturbed(each)]
    return quiet if len(quiet) >= enough else made


def values(results, column, metric):
    return [each[metric] for each in rounds_of(results, column) if metric in each]


def paired(results, column, peer, metric, combine, enough=ENOUGH):
    """One number a round, from the two that were measured in it."""
    ours = {each["round"]: each for each in rounds_of(results, column, enough)}
    theirs = {each["round"]: each for each in rounds_of(results, peer, enough)}
    return [combine(ours[number][metric], theirs[number][metric])
            for number in sorted(ours.keys() & theirs.keys())
            if metric in ours[number] and theirs[number].get(metric)]


def ratios(results, column, peer, metric, enough=ENOUGH):
    return paired(results, column, peer, metric, lambda ours, theirs: ours / theirs, enough)


def spread(numbers, digits, unit=""):
    if not numbers:
        return "–"
    middle = f"{median(numbers):,.{digits}f}"
    if len(numbers) == 1:
        return middle + unit
    return f"{middle}{unit} ({min(numbers):,.{digits}f}–{max(numbers):,.{digits}f})"


def overlap(ours, theirs):
    """Whether the middle halves have something in common."""
    if min(len(ours), len(theirs)) < 2:
        return False
    low, _, high = quantiles(ours, n=4)
    their_low, _, their_high = quantiles(theirs, n=4)
    return low <= their_high and their_low <= high


def heading(metric):
    name, unit, _ = METRICS[metric]
    return f"{name} {unit}".strip()


def number(metric, value):
    return f"{value:,.{METRICS[metric][2]}f}"


def workload_table(name, results):
    shown = [metric for metric in results["metrics"]
             if any(values(results, column, metric) for column in results["columns"])]
    lines = [f"### {name}: {results['title']}", "",
             "| | " + " | ".join(heading(metric) for metric in shown) + " |",
             "|---" * (len(shown) + 1) + "|"]
    for column in results["columns"]:
        cells = [spread(values(results, column, metric), METRICS[metric][2]) for metric in shown]
        lines.append(f"| {column} | " + " | ".join(cells) + " |")
    lines += ratio_lines(results) + failure_lines(results)
    return "\n".join(lines) + "\n"


def ratio_lines(results):
    daemons = [column for column in results["columns"] if column in results["daemons"]]
    peers = [column for column in results["columns"] if column not in results["daemons"]]
    if not daemons or not peers or not results["compared"]:
        return []
    lines = ["", "Ratios, paired within a round:", "",
             "| | " + " | ".join(f"{column} {METRICS[metric][0]}" for column in daemons
                                 for metric in results["compared"]) + " |",
             "|---" * (len(daemons) * len(results["compared"]) + 1) + "|"]
    for peer in peers:
        cells = [spread(ratios(results, column, peer, metric), 2)
                 for column in daemons for metric in results["compared"]]
        lines.append(f"| to {peer} | " + " | ".join(cells) + " |")
    return lines


def failure_lines(results):
    lines = []
    for column, rounds in results["columns"].items():
        failed = [each["failed"] for each in rounds if "failed" in each]
        if failed:
            lines.append(f"- {column}: {len(failed)} of {len(rounds)} rounds failed: {failed[-1]}")
        errors = sum(each.get("errors", 0) for each in rounds)
        if errors:
            lines.append(f"- {column}: {errors} errors counted by the load generator")
        foreign = [each["foreign"] for each in rounds if disturbed(each)]
        if foreign:
            verdict = "doubtful" if any(map(disturbed, rounds_of(results, column))) else "left out"
            lines.append(f"- {column}: others used up to {max(foreign):.0%} of the machine in "
                         f"{len(foreign)} of {len(rounds)} rounds: {verdict}")
    return [""] + lines if lines else []


def targets_table(measured):
    lines = []
    for workload, metric, column, how, peer, bound in targets():
        results = measured.get(workload)
        if not results or column not in results["columns"] or (
                peer and peer not in results["columns"]):
            continue
        if how.startswith("ratio"):
            numbers = ratios(results, column, peer, metric)
            what = f"of {peer}"
        elif how == "difference":
            numbers = paired(results, column, peer, metric, lambda ours, theirs: ours - theirs)
            what = f"beyond {peer}"
        else:
            numbers, what = values(results, column, metric), ""
        if not numbers:
            continue
        least = how.endswith("+")
        met = median(numbers) >= bound if least else median(numbers) <= bound
        if how.endswith("~"):
            what += ", or middle halves overlap"
            met = met or overlap(values(results, column, metric), values(results, peer, metric))
        unit = "" if how.startswith("ratio") else " " + METRICS[metric][1]
        lines.append(f"| {workload} | {column} | {METRICS[metric][0]} {what} "
                     f"| {'≥' if least else '≤'} {bound}{unit} | {spread(numbers, 2)} "
                     f"| {'%.2f–%.2f' % interval(numbers)} | {'yes' if met else '**no**'} |")
    if not lines:
        return ""
    return "\n".join(["## What must be shown", "",
                      "| workload | daemon | | bound | median (min–max) | 95 % of it | met |",
                      "|---|---|---|---|---|---|---|", *lines, ""])


def is_resolved(results, rules):
    """Whether the ratios to all other builds are known well enough for these rules."""
    ours, *others = results["daemons"]
    return all(verdict.is_resolved(rule, ratios(results, ours, other, metric, rule.least))
               for other in others for rule, metric in rules)


def verdicts(measured):
    """(workload, metric, other build, ratios, verdict)"""
    for workload, results in measured.items():
        ours, *others = results["daemons"]
        for other in others:
            for rule, metric in verdict.rules(results["metrics"]):
                kind = results if metric in results["metrics"] else results.get("counts")
                if kind:
                    numbers = ratios(kind, ours, other, metric, rule.least)
                    yield workload, metric, other, numbers, verdict.judge(rule, numbers)


def is_well(measured):
    """Nothing is dearer, and all is resolved."""
    return all(said in (verdict.WITHIN, verdict.CHEAPER) for *_, said in verdicts(measured))


def verdicts_table(measured):
    lines = ["## Verdicts", "", "| workload | | ratio | 95 % of it | rounds | verdict |",
             "|---|---|---|---|---|---|"]
    for workload, metric, other, numbers, said in verdicts(measured):
        known = f"{median(numbers):.4f} | {'%.4f–%.4f' % interval(numbers)}" if numbers else "– | –"
        lines.append(f"| {workload} | {METRICS[metric][0]} to {other} | {known} | {len(numbers)} "
                     f"| {said} |")
    return "\n".join(lines) + "\n"


def head(about):
    names = "".join(f"- {name}: {text}\n" for name, text in about["columns"].items())
    return (f"# uringproxy beside its peers\n\n{about['date']}, Linux {about['kernel']}, "
            f"{about['cpus']} CPUs ({about['cpu']}); {about['rounds']} interleaved rounds of "
            f"{about['seconds']} s; {about['placing']}; congestion control {about['congestion']} for all.\n\n"
            "Median (min–max). CPU is all threads of the proxy, the kernel's ring threads "
            "included; \"machine\" is everything that ran. Load and upstream share a CPU, so rates "
            f"say little; CPU and ratios are what counts.\n\n{names}")


def markdown(about, measured, judged=False):
    tables = [workload_table(name, results) for name, results in measured.items()]
    charts = "".join(f"![{name}]({name}.svg)\n" for name in measured)
    shown = verdicts_table(measured) if judged else targets_table(measured)
    return "\n".join([head(about), shown, *tables, charts])


def chart(name, results, about):
    """A bar for each column: the median of the first metric, with its range."""
    metric = results["metrics"][0]
    bars = [(column, values(results, column, metric)) for column in results["columns"]]
    bars = [(column, numbers) for column, numbers in bars if numbers]
    if not bars:
        return None
    longest = max(max(numbers) for _, numbers in bars) or 1
    left, width, step, top = 130, 420, 26, 56
    scale = lambda number: max(0, number) / longest * width
    parts = []
    for row, (column, numbers) in enumerate(bars):
        y, middle = top + row * step, median(numbers)
        colour = "#1f6feb" if column in results["daemons"] else "#9aa4af"
        parts.append(
            f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">{column}</text>'
            f'<rect x="{left}" y="{y}" width="{scale(middle):.1f}" height="18" fill="{colour}"/>'
            f'<path d="M{left + scale(min(numbers)):.1f} {y + 9}H{left + scale(max(numbers)):.1f}" '
            'stroke="#24292f" stroke-width="1.5"/>'
            f'<text x="{left + scale(max(numbers)) + 6:.1f}" y="{y + 13}">'
            f"{number(metric, middle)}</text>")
    height = top + len(bars) * step + 26
    title = f"{results['title']}: {heading(metric)}"
    note = f"{about['date']}, Linux {about['kernel']}, {about['cpu']}; median and range"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="640" height="{height}" '
            'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="#fff"/>'
            f'<text x="12" y="22" font-size="15">{title}</text>'
            f'<g fill="#24292f">{"".join(parts)}</g>'
            f'<text x="12" y="{height - 8}" fill="#57606a" font-size="11">{note}</text></svg>\n')

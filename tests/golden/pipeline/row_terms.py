"""Which terms compare the values of one session? Ranks, scores, quantiles and extremes; filters; classifiers."""

import numpy as np

from tests.golden.pipeline.shared_terms import PATTERN, last_letter

METHODS = ("ordinal", "min", "max", "dense", "average")


def row_terms(given):
    """Ranks, scores, quantiles and extremes of factors, by mask and group."""
    return ranks(given) | scores(given) | extremes(given)


def ranks(given):
    """`rank`, by every method, both ways."""
    a, cheap, sector, stair = given.weekly, given.some, given.sector, given.stair
    made = {}
    for method in METHODS:
        for way in (True, False):
            name = f"{method}/{'ascending' if way else 'descending'}"
            made[f"Factor.rank/{name}"] = stair.rank(method=method, ascending=way)
            made[f"Factor.rank/{name}/missing"] = given.number.rank(method, way)
        made[f"Factor.rank/{method}/mask"] = stair.rank(method=method, mask=cheap)
        made[f"Factor.rank/{method}/groupby"] = stair.rank(method=method, groupby=given.stars)
    return made | {
        "Factor.rank": a.rank(),
        "Factor.rank/groupby": a.rank(groupby=sector),
        "Factor.rank/groupby descending": a.rank(ascending=False, groupby=given.kit.Steps()),
        "Factor.rank/groupby mask": a.rank(groupby=given.stars, mask=cheap),
        "Factor.rank/dates": given.event.rank(),
        "Factor.rank/dates descending": given.event.rank("min", ascending=False),
        "Factor.rank/integers": given.whole.rank(),
        "Factor.rank/negative integers": given.kit.Whole(less=60).rank(),
        "Factor.rank/integers descending": given.whole.rank("max", ascending=False),
    }


def scores(given):
    """`demean`, `zscore`, `winsorize`, `clip`, and what is missing or infinite."""
    a, n, cheap, sector, stars = given.weekly, given.number, given.some, given.sector, given.stars
    return {
        "Factor.demean": a.demean(),
        "Factor.demean/missing": n.demean(),
        "Factor.demean/mask": a.demean(mask=cheap),
        "Factor.demean/groupby": a.demean(groupby=sector),
        "Factor.demean/groupby mask": n.demean(mask=cheap, groupby=stars),
        "Factor.zscore": a.zscore(),
        "Factor.zscore/missing": n.zscore(),
        "Factor.zscore/mask": a.zscore(mask=cheap),
        "Factor.zscore/groupby": a.zscore(groupby=sector),
        "Factor.zscore/groupby mask": n.zscore(mask=cheap, groupby=stars),
        "Factor.zscore/window": given.kit.MeanChange(inputs=[a.zscore()]),
        "Factor.winsorize": a.winsorize(0.25, 0.75),
        "Factor.winsorize/low": n.winsorize(0.3, 1.0),
        "Factor.winsorize/high": n.winsorize(0.0, 0.6),
        "Factor.winsorize/mask": a.winsorize(0.3, 0.7, mask=cheap),
        "Factor.winsorize/groupby": a.winsorize(0.4, 0.6, groupby=given.kit.classifiers.Everything()),
        "Factor.clip": a.clip(-0.02, 0.015),
        "Factor.clip/mask": a.clip(-np.inf, 0.01, mask=cheap),
        "Factor.isnan": n.isnan(),
        "Factor.notnan": n.notnan(),
        "Factor.isfinite": (1.0 / (n - n.max())).isfinite(),
    }


def extremes(given):
    """Quantiles, `top`, `bottom` and percentiles."""
    a, n, cheap, sector, stars = given.weekly, given.number, given.some, given.sector, given.stars
    event = given.event
    return {
        "Factor.quantiles": given.close.quantiles(2),
        "Factor.quantiles/mask": a.quantiles(3, mask=given.two),
        "Factor.quartiles": a.quartiles(mask=given.two),
        "Factor.quintiles": given.close.quintiles(mask=given.two),
        "Factor.deciles": a.deciles(mask=given.two),
        "Factor.top/1": a.top(1),
        "Factor.top/1 missing": n.top(1),
        "Factor.top/1 mask": a.top(1, mask=cheap),
        "Factor.top/1 groupby": a.top(1, groupby=sector),
        "Factor.top/1 groupby mask": n.top(1, groupby=stars, mask=cheap),
        "Factor.top/1 ties": given.stair.top(1),
        "Factor.top/1 dates": event.top(1),
        "Factor.top/1 integers": given.whole.top(1),
        "Factor.top/2": a.top(2),
        "Factor.top/2 missing": n.top(2),
        "Factor.top/2 mask": a.top(2, mask=cheap),
        "Factor.top/2 groupby": a.top(2, groupby=given.kit.Steps()),
        "Factor.top/2 ties": given.stair.top(2),
        "Factor.bottom/1": a.bottom(1),
        "Factor.bottom/2": n.bottom(2),
        "Factor.bottom/2 mask": n.bottom(2, mask=cheap),
        "Factor.bottom/2 groupby": a.bottom(2, groupby=given.kit.Steps()),
        "Factor.bottom/2 dates": event.bottom(2),
        "Factor.percentile_between": a.percentile_between(20, 80),
        "Factor.percentile_between/missing": n.percentile_between(0, 50),
        "Factor.percentile_between/mask": a.percentile_between(50, 100, mask=cheap),
    }


def filter_terms(given):
    """Filters by themselves, combined, and over windows."""
    f, p, flag, cheap, e = given.kit.filters, given.pricing, given.flag, given.cheap, given.extra
    sids = [asset.sid for asset in given.assets]
    return {
        "Filter &": flag & cheap,
        "Filter & True": flag & True,
        "False & Filter": False & flag,
        "Filter |": flag | cheap,
        "Filter | False": flag | False,
        "True | Filter": True | flag,
        "~Filter": ~flag,
        "~expression": ~(flag & cheap),
        "All": f.All(inputs=[flag], window_length=3),
        "All/column": f.All(inputs=[e.flag], window_length=4),
        "All/mask": f.All(inputs=[given.daily > -0.01], window_length=2, mask=cheap),
        "Any": f.Any(inputs=[cheap], window_length=6),
        "Any/mask": f.Any(inputs=[given.daily > 0.02], window_length=4, mask=cheap),
        "AtLeastN": f.AtLeastN(inputs=[flag], window_length=5, N=4),
        "AtLeastN/mask": f.AtLeastN(inputs=[given.daily > 0], window_length=9, N=5, mask=cheap),
        "AllPresent": f.AllPresent(inputs=[p.close], window_length=10),
        "AllPresent/number": f.AllPresent(inputs=[e.number], window_length=4),
        "AllPresent/integers": f.AllPresent(inputs=[e.stars], window_length=5),
        "AllPresent/text": f.AllPresent(inputs=[e.sector], window_length=5),
        "AllPresent/dates": f.AllPresent(inputs=[e.event], window_length=5, mask=cheap),
        "ArrayPredicate": f.ArrayPredicate(term=given.number, op=np.greater, opargs=(4.0,)),
        "CustomFilter": given.kit.Rising(),
        "CustomFilter/params": given.kit.Rising(least=0.5, mask=cheap),
        "CustomFilter/window": f.All(inputs=[given.kit.Rising()], window_length=2),
        "Filter.latest": flag,
        "Filter.latest/mask": f.Latest(inputs=[e.flag], mask=cheap),
        "MaximumFilter": f.MaximumFilter(given.daily, groupby=given.stars, mask=flag),
        "NotNullFilter": f.NotNullFilter(given.number),
        "NullFilter": f.NullFilter(given.number),
        "PercentileFilter": f.PercentileFilter(given.number, 10.0, 60.0, mask=flag),
        "SingleAsset": f.SingleAsset(asset=given.target),
        "StaticAssets": f.StaticAssets(given.assets[::2]),
        "StaticSids": f.StaticSids(sids[1:]),
    }


def classifier_terms(given):
    """Labels, integers and text, and what is asked of them."""
    c, stars, sector, region, cheap = given.kit.classifiers, given.stars, given.sector, given.region, given.cheap
    return {
        "Classifier.latest": stars,
        "Classifier.latest/text": sector,
        "Classifier.latest/empty text": region,
        "Classifier.latest/mask": c.Latest(inputs=[given.extra.stars], dtype=np.int64, missing_value=-1, mask=cheap),
        "Classifier.latest/currency": given.pricing.currency.latest,
        "CustomClassifier": given.kit.Steps(),
        "CustomClassifier/mask": given.kit.Steps(mask=cheap),
        "CustomClassifier/integers": given.kit.Bounded(),
        "CustomClassifier/text": given.kit.PastSector(),
        "CustomClassifier/text mask": given.kit.PastSector(mask=cheap),
        "Everything": c.Everything(),
        "Everything/mask": c.Everything(mask=cheap),
        "Quantiles": c.Quantiles(inputs=(given.close,), bins=2, mask=given.two),
        "Classifier.eq": stars.eq(2),
        "Classifier.eq/text": sector.eq("tech"),
        "Classifier !=": stars != 2,
        "Classifier != text": sector != "tech",
        "Classifier != empty": region != "north",
        "Classifier.element_of": stars.element_of([0, 3]),
        "Classifier.element_of/text": sector.element_of({"oil", "food"}),
        "Classifier.startswith": sector.startswith("tech"),
        "Classifier.endswith": sector.endswith("y"),
        "Classifier.has_substring": region.has_substring("or"),
        "Classifier.matches": sector.matches(PATTERN),
        "Classifier.matches/text": region.matches("(n|s)o"),
        "Classifier.relabel": sector.relabel(last_letter),
        "Classifier.relabel/mask": given.kit.PastSector(mask=cheap).relabel(last_letter),
        "Classifier.peer_count": stars.peer_count(),
        "Classifier.peer_count/text": sector.peer_count(mask=cheap),
        "Classifier.peer_count/empty": region.peer_count(),
        "Classifier.peer_count/quantiles": given.close.quantiles(2).peer_count(),
    }

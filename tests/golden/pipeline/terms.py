"""Which pipeline terms are compared with Zipline's? Every class and every method, by name, under either package.

`terms(package, assets, target, other)` gives a dict of names and terms. Names say what is asked, such as
`Factor.rank/groupby` for `rank` with a groupby; windows reach over the splits, dividends and gaps that the spans of
spans.py hold.
"""

import operator

import numpy as np

from tests.golden.pipeline.kit import kit_of
from tests.golden.pipeline.row_terms import classifier_terms, filter_terms, row_terms
from tests.golden.pipeline.shared_terms import Inputs, universal_terms

FUNCTIONS_OF_SMALL = """
    sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arctanh log1p exp expm1 abs
""".split()
FUNCTIONS_OF_LARGE = "log log10 sqrt arccosh abs".split()
SUMMARIES = "mean stddev max min median sum notnull_count".split()


def terms(package, assets, target, other):
    """Give the terms by name.

    Parameters
    ----------
    package : {"zipline", "rustybt"}
        Whose.
    assets : sequence of Equity
        All of the bundle, by sid.
    target : Equity
        One that exists on every session, as correlations need it.
    other : Equity
        Another that has a bar on every session: with the target it makes rows that quantiles can be taken of.
    """
    kit = kit_of(package)
    given = Inputs(kit, assets, target, other)
    made = {}
    for group in (
        inputs,
        basic_factors,
        weighted_factors,
        technical_factors,
        statistical_factors,
        other_factors,
        arithmetic,
        row_terms,
        filter_terms,
        classifier_terms,
        universal_terms,
    ):
        found = group(given)
        assert not made.keys() & found.keys()
        made |= found
    return made


def inputs(given):
    """What others are made of, so that what they make of it can be computed again from the columns."""
    return {
        "input.weekly": given.weekly,
        "input.stair": given.stair,
        "input.other event": given.other_event,
        "input.negative": given.kit.Whole(less=60),
        "input.cheap": given.cheap,
        "input.some": given.some,
        "input.steps": given.kit.Steps(),
    }


def basic_factors(given):
    """Returns, means and the like; inputs other than the defaults, masks, and windows of other factors."""
    f, p, cheap, daily = given.kit.factors, given.pricing, given.cheap, given.daily
    number = given.extra.number
    return {
        "Returns": f.Returns(window_length=20),
        "Returns/open": f.Returns(inputs=[p.open], window_length=5),
        "Returns/mask": f.Returns(window_length=8, mask=cheap),
        "Returns/table": f.Returns(inputs=[number], window_length=12),
        "DailyReturns": f.DailyReturns(),
        "DailyReturns/volume": f.DailyReturns(inputs=[p.volume]),
        "PercentChange": f.PercentChange(inputs=[p.volume], window_length=4),
        "PercentChange/mask": f.PercentChange(inputs=[number], window_length=9, mask=cheap),
        "SimpleMovingAverage": f.SimpleMovingAverage(inputs=[p.close], window_length=30),
        "SimpleMovingAverage/volume": f.SimpleMovingAverage(inputs=[p.volume], window_length=25),
        "SimpleMovingAverage/mask": f.SimpleMovingAverage(inputs=[p.high], window_length=7, mask=cheap),
        "SimpleMovingAverage/returns": f.SimpleMovingAverage(inputs=[daily], window_length=15),
        "SimpleMovingAverage/table": f.SimpleMovingAverage(inputs=[number], window_length=18),
        "WeightedAverageValue": f.WeightedAverageValue(inputs=[p.open, p.volume], window_length=22),
        "WeightedAverageValue/mask": f.WeightedAverageValue(inputs=[number, p.high], window_length=6, mask=cheap),
        "VWAP": f.VWAP(window_length=24),
        "VWAP/mask": f.VWAP(window_length=3, mask=cheap),
        "MaxDrawdown": f.MaxDrawdown(inputs=[p.close], window_length=40),
        "MaxDrawdown/mask": f.MaxDrawdown(inputs=[number], window_length=10, mask=cheap),
        "AverageDollarVolume": f.AverageDollarVolume(window_length=21),
        "AverageDollarVolume/mask": f.AverageDollarVolume(window_length=5, mask=cheap),
        "AnnualizedVolatility": f.AnnualizedVolatility(window_length=63),
        "AnnualizedVolatility/params": f.AnnualizedVolatility(window_length=9, annualization_factor=12, mask=cheap),
    }


def weighted_factors(given):
    """Exponential and linear weights."""
    f, p, cheap, number = given.kit.factors, given.pricing, given.cheap, given.extra.number
    mean, deviation = f.ExponentialWeightedMovingAverage, f.ExponentialWeightedMovingStdDev
    return {
        "ExponentialWeightedMovingAverage": mean(inputs=[p.close], window_length=30, decay_rate=0.9),
        "ExponentialWeightedMovingAverage/mask": mean(inputs=[number], window_length=4, decay_rate=0.5, mask=cheap),
        "EWMA/from_span": f.EWMA.from_span(inputs=[p.close], window_length=20, span=15),
        "EWMA/from_halflife": f.EWMA.from_halflife(inputs=[p.volume], window_length=20, halflife=6),
        "EWMA/from_center_of_mass": f.EWMA.from_center_of_mass(inputs=[p.low], window_length=12, center_of_mass=4),
        "ExponentialWeightedMovingStdDev": deviation(inputs=[p.close], window_length=30, decay_rate=0.9),
        "ExponentialWeightedMovingStdDev/mask": deviation(inputs=[number], window_length=4, decay_rate=0.5, mask=cheap),
        "EWMSTD/from_span": f.EWMSTD.from_span(inputs=[given.daily], window_length=20, span=15),
        "EWMSTD/from_halflife": f.EWMSTD.from_halflife(inputs=[p.close], window_length=20, halflife=6),
        "EWMSTD/from_center_of_mass": f.EWMSTD.from_center_of_mass(inputs=[p.high], window_length=12, center_of_mass=4),
        "LinearWeightedMovingAverage": f.LinearWeightedMovingAverage(inputs=[p.close], window_length=28),
        "LinearWeightedMovingAverage/mask": f.LinearWeightedMovingAverage(inputs=[number], window_length=6, mask=cheap),
    }


def technical_factors(given):
    """The charts' indicators."""
    f, p, cheap = given.kit.factors, given.pricing, given.cheap
    made = {
        "RSI": f.RSI(),
        "RSI/mask": f.RSI(inputs=[p.open], window_length=9, mask=cheap),
        "FastStochasticOscillator": f.FastStochasticOscillator(),
        "FastStochasticOscillator/mask": f.FastStochasticOscillator(window_length=30, mask=cheap),
        "RateOfChangePercentage": f.RateOfChangePercentage(inputs=[p.close], window_length=17),
        "RateOfChangePercentage/mask": f.RateOfChangePercentage(inputs=[p.volume], window_length=3, mask=cheap),
        "TrueRange": f.TrueRange(),
        "TrueRange/mask": f.TrueRange(mask=cheap),
        "MACDSignal": f.MACDSignal(),
        "MovingAverageConvergenceDivergenceSignal/periods": f.MovingAverageConvergenceDivergenceSignal(
            fast_period=3, slow_period=8, signal_period=4, mask=cheap
        ),
    }
    several = {
        "BollingerBands": f.BollingerBands(window_length=20, k=2),
        "BollingerBands/mask": f.BollingerBands(inputs=[p.open], window_length=6, k=1.5, mask=cheap),
        "Aroon": f.Aroon(window_length=40),
        "Aroon/mask": f.Aroon(window_length=35, mask=cheap),
        "IchimokuKinkoHyo": f.IchimokuKinkoHyo(),
        "IchimokuKinkoHyo/periods": f.IchimokuKinkoHyo(
            window_length=20, tenkan_sen_length=4, kijun_sen_length=11, chikou_span_length=7, mask=cheap
        ),
    }
    return made | taken_apart(several)


def taken_apart(several):
    """Name each output of factors with several."""
    return {f"{name}.{output}": getattr(term, output) for name, term in several.items() for output in term.outputs}


def statistical_factors(given):
    """Correlations, regressions and betas: with one asset, and asset by asset."""
    f, target, cheap, daily = given.kit.factors, given.target, given.cheap, given.daily
    weekly = f.Returns(window_length=6)
    regression = given.kit.statistical.RollingLinearRegression
    made = {
        "RollingPearson": f.RollingPearson(daily, weekly, 20),
        "RollingPearson/slice": f.RollingPearson(weekly, daily[target], 12, mask=cheap),
        "RollingSpearman": f.RollingSpearman(daily, weekly, 20),
        "RollingSpearman/slice": f.RollingSpearman(weekly, daily[target], 12, mask=cheap),
        "RollingPearsonOfReturns": f.RollingPearsonOfReturns(target, 2, 25),
        "RollingPearsonOfReturns/mask": f.RollingPearsonOfReturns(target, 5, 8, mask=cheap),
        "RollingSpearmanOfReturns": f.RollingSpearmanOfReturns(target, 2, 25),
        "RollingSpearmanOfReturns/mask": f.RollingSpearmanOfReturns(target, 5, 8, mask=cheap),
        "SimpleBeta": f.SimpleBeta(target, 30),
        "SimpleBeta/missing": f.SimpleBeta(target, 12, allowed_missing_percentage=0.75),
        "Factor.pearsonr": daily.pearsonr(weekly, 10),
        "Factor.pearsonr/slice": daily.pearsonr(daily[target], 15, mask=cheap),
        "Factor.spearmanr": daily.spearmanr(weekly, 10),
        "Factor.spearmanr/slice": daily.spearmanr(daily[target], 15, mask=cheap),
    }
    several = {
        "RollingLinearRegression": regression(daily, weekly, 20),
        "RollingLinearRegressionOfReturns": f.RollingLinearRegressionOfReturns(target, 3, 16),
        "RollingLinearRegressionOfReturns/mask": f.RollingLinearRegressionOfReturns(target, 2, 9, mask=cheap),
        "Factor.linear_regression": weekly.linear_regression(daily[target], 14, mask=cheap),
    }
    return made | taken_apart(several)


def other_factors(given):
    """Events, counts of peers, clips, columns, and factors of one's own."""
    kit, f, e = given.kit, given.kit.factors, given.extra
    first, last, _ = kit.Ends()
    whole = kit.Whole(less=0)
    return {
        "Latest": given.pricing.close.latest,
        "Latest/high": given.pricing.high.latest,
        "Latest/low": given.pricing.low.latest,
        "Latest/volume": given.pricing.volume.latest,
        "Latest/number": e.number.latest,
        "Latest/event": e.event.latest,
        "BusinessDaysSincePreviousEvent": f.BusinessDaysSincePreviousEvent(inputs=[e.event]),
        "BusinessDaysUntilNextEvent": f.BusinessDaysUntilNextEvent(inputs=[e.event]),
        "PeerCount": f.PeerCount(inputs=[e.sector.latest]),
        "PeerCount/mask": f.PeerCount(inputs=[e.stars.latest], mask=given.cheap),
        "Clip": kit.basic.Clip(inputs=[e.number], min_bound=3.0, max_bound=8.0),
        "Clip/one side": kit.basic.Clip(inputs=[given.daily], min_bound=-np.inf, max_bound=0.001),
        "CustomFactor": kit.Spread(),
        "CustomFactor/params": kit.Spread(scale=2.5, window_length=3),
        "CustomFactor/mask": kit.Spread(mask=given.cheap),
        "CustomFactor/first": first,
        "CustomFactor/last": last,
        "CustomFactor/sid": kit.Ends(mask=given.cheap).sid,
        "CustomFactor/returns": kit.MeanChange(inputs=[given.daily]),
        "CustomFactor/ranks": kit.MeanChange(inputs=[given.daily.rank()], mask=given.cheap),
        "CustomFactor/filter": kit.MeanChange(inputs=[given.cheap]),
        "CustomFactor/slice": kit.MeanChange(inputs=[given.daily[given.target]]),
        "CustomFactor/no inputs": kit.DayOfMonth(),
        "CustomFactor/integers": whole,
        "CustomFactor/ndim": given.daily + kit.Breadth(),
        "RecarrayField": f.RecarrayField(factor=kit.Ends(), attribute="first"),
    }


def arithmetic(given):
    """Operators in both orders, comparisons, functions and summaries."""
    a, b, small, large = given.daily, given.number, given.daily, given.close
    made = {
        **{f"Factor.{name}": getattr(small, name)() for name in FUNCTIONS_OF_SMALL},
        **{f"Factor.{name}/large": getattr(large, name)() for name in FUNCTIONS_OF_LARGE},
        **{f"Factor.{name}": b - getattr(b, name)() for name in SUMMARIES},
        **{f"Factor.{name}/mask": b * getattr(given.weekly, name)(mask=given.cheap) for name in SUMMARIES},
        **{f"Factor.{name}/of expression": (a + b).sqrt() / getattr(b * 2.0, name)() for name in ("mean", "sum")},
        "Factor +": a + b,
        "Factor + number": b + 2,
        "number + Factor": 2 + b,
        "Factor -": b - a,
        "Factor - number": b - 1.5,
        "number - Factor": 1.5 - b,
        "Factor *": a * b,
        "Factor * number": b * 3,
        "number * Factor": 3 * b,
        "Factor /": a / b,
        "Factor / number": b / 7.0,
        "number / Factor": 7.0 / b,
        "Factor / 0": b / (a - a),
        "Factor %": large % b,
        "Factor % number": large % 7,
        "number % Factor": 100 % b,
        "Factor % sign": a % 0.003,
        "Factor **": b**a,
        "Factor ** number": b**2,
        "number ** Factor": 2**b,
        "-Factor": -a,
        "-expression": -(a + b),
        "expressions": ((a + 1.0) * (b - 2.0) / (large + b) - a**2).abs(),
        "Factor <": b < large / 10.0,
        "Factor < number": b < 5,
        "Factor <=": b <= large / 10.0,
        "Factor <= number": a <= 0.001,
        "Factor >": b > large / 10.0,
        "Factor > number": a > 0,
        "Factor >=": b >= large / 10.0,
        "Factor >= number": b >= 4.5,
        "Factor !=": given.stair != given.stair2,
        "Factor != number": given.stair != 2,
        "Factor.eq": given.stair.eq(given.stair2),
        "Factor.eq/number": given.stair.eq(2),
        "number > Factor": operator.gt(5, b),
        "dates <": given.event < given.other_event,
        "dates eq": given.event.eq(given.other_event),
        "integers > number": given.whole > 30,
        "integers !=": given.whole != given.kit.Whole(less=1),
    }
    return made

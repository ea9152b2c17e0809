"""What do many of the compared terms share? Their inputs, and what factors, filters and classifiers have in common."""

import re

FREQUENCIES = ("year_start", "quarter_start", "month_start", "week_start")


class Inputs:
    """Terms and columns that others are made of, under one package."""

    def __init__(self, kit, assets, target, other):
        self.kit, self.assets, self.target = kit, list(assets), target
        self.pricing, self.extra = kit.data.EquityPricing, kit.Extra
        self.close = self.pricing.close.latest
        self.number = self.extra.number.latest
        self.daily = kit.factors.Returns(window_length=2)
        self.weekly = kit.factors.Returns(window_length=6)
        self.sector, self.region = self.extra.sector.latest, self.extra.region.latest
        self.stars, self.flag = self.extra.stars.latest, self.extra.flag.latest
        self.event = self.extra.event.latest
        self.other_event = kit.PastEvent()
        self.whole = kit.Whole(less=0)
        self.stair, self.stair2 = kit.Stairs(step=2), kit.Stairs(step=3)
        self.cheap = self.close < self.close.median()
        self.two = kit.filters.StaticAssets([target, other])
        self.some = self.flag & kit.filters.StaticSids([asset.sid for asset in self.assets[1:]])


def universal_terms(given):
    """Terms that exist of factors, filters and classifiers alike: renamed, slowed down, cut out, chosen, filled."""
    number, flag, stars, sector = given.number, given.flag, given.stars, given.sector
    daily, target, weekly = given.daily, given.target, given.weekly
    kinds = {"Factor": daily, "Filter": flag, "Classifier": stars}
    return {
        **{f"{kind}.alias": term.alias(f"my {kind}") for kind, term in kinds.items()},
        **{
            f"{kind}.downsample/{frequency}": term.downsample(frequency)
            for kind, term in kinds.items()
            for frequency in FREQUENCIES
        },
        "Factor.downsample/window": given.kit.factors.SimpleMovingAverage(
            inputs=[given.pricing.close], window_length=10
        ).downsample("month_start"),
        "Factor.downsample/of rows": number.rank(mask=given.cheap).downsample("week_start"),
        "Factor.downsample/of downsampled": (daily.downsample("month_start") + number).downsample("week_start"),
        "Classifier.downsample/text": sector.downsample("week_start"),
        "Factor[asset]": daily - daily[target],
        "Factor[asset]/window": given.kit.MeanChange(inputs=[weekly[target]]),
        "Filter[asset]": flag | flag[target],
        "Classifier[asset]": given.kit.MeanChange(inputs=[(stars[target] != 2)], window_length=2) + daily,
        "Filter.if_else": flag.if_else(daily, number),
        "Filter.if_else/filters": flag.if_else(given.cheap, daily > 0),
        "Filter.if_else/integers": flag.if_else(stars, given.kit.Bounded()),
        "Filter.if_else/text": flag.if_else(sector, given.kit.PastSector()),
        "Filter.if_else/dates": flag.if_else(given.event, given.other_event),
        "Factor.fillna": number.fillna(0),
        "Factor.fillna/term": number.fillna(daily),
        "Factor.fillna/dates": given.event.fillna(given.other_event),
        "Factor.fillna/integers": given.whole.fillna(7),
        "Factor.fillna/window": given.kit.MeanChange(inputs=[daily.fillna(weekly)]),
        "Classifier.fillna": stars.fillna(9),
        "Classifier.fillna/text": sector.fillna("none"),
        "Classifier.fillna/term": sector.fillna(given.kit.PastSector()),
        "Factor.isnull": number.isnull(),
        "Factor.notnull": number.notnull(),
        "Factor.isnull/dates": given.event.isnull(),
        "Factor.notnull/dates": given.event.notnull(),
        "Factor.isnull/integers": given.whole.isnull(),
        "Factor.notnull/integers": given.whole.notnull(),
        "Classifier.isnull": stars.isnull(),
        "Classifier.notnull": stars.notnull(),
        "Classifier.isnull/text": sector.isnull(),
        "Classifier.notnull/text": given.region.notnull(),
    }


def last_letter(label):
    """Relabel a text by its last letter; food has no label then."""
    return None if label == "food" else label[-1:]


PATTERN = re.compile(r"(tech|oi)\w*")

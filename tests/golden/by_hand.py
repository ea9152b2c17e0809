"""Algorithms made by hand as TradingAlgorithm, and what Zipline computed for them, in by_hand.json.gz.

usage, with an interpreter that has zipline-reloaded 3.2.1: ZIPLINE_ROOT=/some/new/folder python -m tests.golden.by_hand
ingests the data of tests/golden/data and writes by_hand.json.gz anew (Python 3.11).
"""

import gzip
import importlib
import json
from pathlib import Path
from types import SimpleNamespace

import pandas as pd

from tests.golden.ingest import DATA, SPANS, daily_csvs
from tests.golden.oracle import dump

EXPECTED = Path(__file__).with_name("by_hand.json.gz")
UTC = "UTC"


def parts_of(package):
    """Import what a script by hand needs from a package."""
    names = {
        "api": "api",
        "algorithm": "algorithm",
        "bundles": "data.bundles",
        "calendars": "utils.calendar_utils",
        "metrics": "finance.metrics",
        "trading": "finance.trading",
    }
    found = {short: importlib.import_module(f"{package}.{name}") for short, name in names.items()}
    return SimpleNamespace(package=package, **found)


def data_of(parts, name):
    """Open a bundle as the package's TradingAlgorithm takes it."""
    bundle = parts.bundles.load(name)
    if parts.package != "zipline":
        return bundle
    from zipline.data.data_portal import DataPortal

    return DataPortal(
        bundle.asset_finder,
        trading_calendar=parts.calendars.get_calendar("XNYS"),
        first_trading_day=bundle.equity_daily_bar_reader.first_trading_day,
        equity_minute_reader=bundle.equity_minute_bar_reader,
        equity_daily_reader=bundle.equity_daily_bar_reader,
        adjustment_reader=bundle.adjustment_reader,
    )


def run(package, case):
    """Run one of CASES under a package, and give what a user sees."""
    parts, log = parts_of(package), []
    bundle, first, last, frequency, functions, settings = CASES[case]
    first, last = pd.Timestamp(first), pd.Timestamp(last)
    settings = dict(settings)
    if "metrics_set" in settings:
        settings["metrics_set"] = settings["metrics_set"](parts)
    algorithm = parts.algorithm.TradingAlgorithm(
        parts.trading.SimulationParameters(
            first, last, parts.calendars.get_calendar("XNYS"), capital_base=100_000.0, data_frequency=frequency
        ),
        data_portal=data_of(parts, bundle),
        benchmark_returns=pd.Series(0.0, index=pd.date_range(first, last)),
        **functions(parts, log),
        **settings,
    )
    out = dump(algorithm.run(), log)
    out["log"].append({str(when): amount for when, amount in algorithm.capital_change_deltas.items()})
    out["log"].append({str(key): str(value) for key, value in getattr(algorithm, "risk_report", {}).items()})
    return out


def rebalanced(parts, log):
    """Hold equal parts, by composed rules; log what the account shows at every bar."""
    api = parts.api

    def initialize(context, weight):
        context.assets = [api.symbol(name) for name in ("AAPL", "KO", "MSFT")]
        context.weight = weight
        log.append({name: str(value) for name, value in api.get_environment("*").items() if name != "platform"})
        rule = api.date_rules.week_start() & api.events.NotHalfDay()
        api.schedule_function(rebalance, rule, api.time_rules.market_open(), calendar=api.calendars.US_EQUITIES)

    def rebalance(context, data):
        for asset in context.assets:
            api.order_target_percent(asset, context.weight)

    def handle_data(context, data):
        account, portfolio = context.account, context.portfolio
        log.append([portfolio.portfolio_value, portfolio.cash, portfolio.returns, portfolio.pnl])
        log.append([portfolio.starting_cash, portfolio.capital_used, account.leverage, account.net_liquidation])
        api.record(mean=api.math_utils.nanmean([portfolio.cash, float("nan"), portfolio.portfolio_value]))

    return {"initialize": initialize, "handle_data": handle_data}


def scheduled(parts, log):
    """Trade at times of the day, by rules alone and composed; log when each fires."""
    api = parts.api
    events = api.events

    def initialize(context):
        context.assets = [api.symbol(name) for name in ("MAAA", "MBBB")]
        rules = {
            "open": (api.date_rules.every_day(), api.time_rules.market_open(minutes=30)),
            "close": (api.date_rules.every_day(), api.time_rules.market_close(hours=1)),
            "long": (api.date_rules.every_day(), api.time_rules.market_open(hours=5)),
            "week": (api.date_rules.week_end(1), api.time_rules.market_open()),
            "composed": (events.NthTradingDayOfWeek(0) & events.NotHalfDay(), events.AfterOpen(minutes=90)),
            "never": (events.Never(), api.time_rules.every_minute()),
            "every": (None, None),
        }
        for name, (date_rule, time_rule) in rules.items():
            api.schedule_function(noted(name), date_rule, time_rule, half_days=name != "close")
        context.add_event(events.OncePerDay(events.Always()), noted("event"))

    def noted(name):
        def call(context, data):
            log.append([name, str(api.get_datetime()), context.portfolio.portfolio_value, context.portfolio.cash])
            api.order(context.assets[name == "close"], 100 if name in ("open", "composed") else -70)

        return call

    return {"initialize": initialize}


class Noted:
    """A metric of one's own: what its hooks see."""

    def start_of_simulation(self, ledger, emission_rate, trading_calendar, sessions, benchmark_source):
        self.seen = [emission_rate, trading_calendar.name, str(sessions[0])[:10], str(sessions[-1])[:10]]
        self.seen.append(float(benchmark_source.daily_returns(sessions[0], sessions[-1]).sum()))

    def start_of_session(self, ledger, session, data_portal):
        self.before = ledger.portfolio.cash

    def end_of_session(self, packet, ledger, session, session_ix, data_portal):
        packet["daily_perf"]["spent"] = self.before - ledger.portfolio.cash
        packet["daily_perf"]["held"] = sum(position["amount"] for position in ledger.positions)
        packet["daily_perf"]["gross"] = ledger.position_tracker.stats.gross_exposure
        packet["daily_perf"]["fills"] = len(ledger.transactions()) + 100 * len(ledger.orders())
        risk = packet["cumulative_risk_metrics"]
        risk["today"] = ledger.todays_returns
        risk["mean"] = float(ledger.daily_returns_array[: session_ix + 1].mean())
        risk["progress"] = packet["progress"] + packet["capital_base"]

    def end_of_simulation(self, packet, ledger, trading_calendar, sessions, data_portal, benchmark_source):
        packet["seen"] = [*self.seen, round(float(ledger.daily_returns_series.sum()), 9)]


def with_own_metrics(parts):
    """Give the default set with a metric of one's own."""
    return parts.metrics.load("default") | {Noted()}


def only_some_metrics(parts):
    """Give some of Zipline's metrics, and one of one's own."""
    metric = importlib.import_module(f"{parts.package}.finance.metrics.metric")
    return {
        metric.Returns(),
        metric.PNL(),
        metric.SimpleLedgerField("portfolio.cash", "cash_now"),
        metric.DailyLedgerField("account.gross_leverage"),
        metric.StartOfPeriodLedgerField("portfolio.portfolio_value", "value_before"),
        metric.ReturnsStatistic(lambda returns: returns.max() if len(returns) > 3 else float("nan"), "best"),
        Noted(),
    }


def change(kind, value):
    """Give a capital change."""
    return {"type": kind, "value": value}


DAILY_CHANGES = {
    pd.Timestamp("2012-01-03", tz=UTC): change("delta", 5_000.0),
    pd.Timestamp("2012-02-01", tz=UTC): change("delta", 25_000.0),
    pd.Timestamp("2012-03-15", tz=UTC): change("target", 300_000.0),
    pd.Timestamp("2012-06-20", tz=UTC): change("delta", -100_000.0),
    pd.Timestamp("2012-06-21", tz=UTC): change("target", 111_111.0),
}
MINUTE_CHANGES = {
    pd.Timestamp("2019-11-19", tz=UTC): change("target", 120_000.0),
    pd.Timestamp("2019-11-20 14:31", tz=UTC): change("target", 90_000.0),
    pd.Timestamp("2019-11-21 16:00", tz=UTC): change("delta", 33_333.0),
    pd.Timestamp("2019-11-29 18:00", tz=UTC): change("target", 150_000.0),
}
QUAD = ("quad", "2012-01-03", "2012-08-31", "daily", rebalanced)
MINUTES = ("minutes", "2019-11-18", "2019-12-04", "minute", scheduled)
CASES = {
    "capital_changes": (*QUAD, {"weight": 0.3, "capital_changes": DAILY_CHANGES}),
    "capital_changes_by_the_minute": (*MINUTES, {"capital_changes": MINUTE_CHANGES}),
    "own_metrics": (*QUAD, {"weight": 0.2, "metrics_set": with_own_metrics}),
    "some_metrics": (*QUAD, {"weight": 0.2, "metrics_set": only_some_metrics}),
    "no_metrics": (*QUAD, {"weight": 0.2, "metrics_set": lambda parts: parts.metrics.load("none")}),
    "own_metrics_by_the_minute": (*MINUTES, {"metrics_set": with_own_metrics}),
}


def write():
    """Ingest the data under Zipline, run every case, and write what it computed."""
    bundles = importlib.import_module("zipline.data.bundles")
    for name in ("quad", "minutes"):
        first, last = map(pd.Timestamp, SPANS[name])
        ingest = daily_csvs(DATA / name / "daily")
        bundles.register(name, ingest, calendar_name="XNYS", start_session=first, end_session=last)
        bundles.ingest(name, show_progress=False)
    answers = {case: run("zipline", case) for case in CASES}
    with gzip.GzipFile(EXPECTED, "wb", mtime=0) as file:
        file.write(json.dumps(answers).encode())


if __name__ == "__main__":
    write()

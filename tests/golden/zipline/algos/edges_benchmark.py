"""A benchmark that begins on the first day and has gaps, rules on half days, a record that shares a metric's name."""
from zipline.api import date_rules, order_target_percent, record, schedule_function, set_benchmark, set_commission, set_slippage, symbol, time_rules
from zipline.finance import commission, slippage

CONFIG = dict(bundle="holes", start="2015-01-02", end="2016-12-30", capital_base=2e5, benchmark=True)


def initialize(context):
    set_benchmark(symbol("GAPS"))
    set_slippage(slippage.NoSlippage())
    set_commission(commission.PerTrade(cost=4.0))
    schedule_function(tally("half"), date_rules.every_day(), time_rules.market_close(minutes=5))
    schedule_function(tally("full"), date_rules.every_day(), time_rules.market_open(), half_days=False)
    schedule_function(tally("late"), date_rules.week_start(days_offset=4))
    schedule_function(tally("end"), date_rules.month_end(days_offset=22))
    context.counts = {}


def tally(name):
    def count(context, data):
        context.counts[name] = context.counts.get(name, 0) + 1
        if name == "late":
            context.log.append(["late", data.current_dt])
        if name == "full" and context.counts[name] % 40 == 1:
            order_target_percent(symbol("PAYS"), 0.9 if context.counts[name] % 80 == 1 else -0.4)
    return count


def handle_data(context, data):
    record(sharpe=1.0, counts=sum(context.counts.values()), stale=int(data.is_stale(symbol("GAPS"))))
    context.log.append(dict(context.counts))

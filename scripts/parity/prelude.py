"""What does every case's algorithm begin with? Helpers that draw, log shortly, and log refusals by their type."""

from scripts.parity.plan import Plan

NOTES = 30  # entries in the log under one name
DOCUMENTED = (
    "AccountControlViolation BadOrderParameters CannotOrderDelistedAsset HistoryWindowStartsBeforeData "
    "IncompatibleCommissionModel IncompatibleSlippageModel OrderDuringInitialize OrderInBeforeTradingStart "
    "RegisterAccountControlPostInit RegisterTradingControlPostInit SetBenchmarkOutsideInitialize "
    "SetCancelPolicyPostInit SetCommissionPostInit SetSlippagePostInit SidsNotFound SymbolNotFound "
    "TradingControlViolation UnsupportedCancelPolicy UnsupportedOrderParameters"
)

CONSTANTS = f'''
NOTES = {NOTES}
DOCUMENTED = """{DOCUMENTED}""".split()
'''
HELPERS = '''

def stream(context, name):
    """Draw from a part's own generator from here on."""
    if name not in context.streams:
        context.streams[name] = random.Random(f"{context.seed}:{name}")
    context.random = context.streams[name]


def chance(context, name, probability):
    """Say yes with a probability."""
    stream(context, name)
    return unit(context) < probability


def unit(context):
    """Draw from [0, 1)."""
    return context.random.random()


def pick(context, choices):
    """Choose one."""
    return choices[int(context.random.random() * len(choices))]


def kind(error):
    """Name an exception by its documented class, or else by the builtin that it is."""
    kinds = type(error).__mro__
    return [k.__name__ for k in kinds if k.__name__ in DOCUMENTED or k.__module__ == "builtins"][0]


def note(context, name, *values):
    """Log values, the first times that the name is used."""
    context.notes[name] = context.notes.get(name, 0) + 1
    if context.notes[name] <= NOTES:
        context.log.append([name, context.bar, *values])


def attempt(context, name, action):
    """Do something, and log the kind of exception if it is refused."""
    try:
        return action()
    except Exception as error:
        if kind(error) in context.fatal:
            raise
        note(context, "refused " + name, kind(error))
        return None


def place(context, action):
    """Place an order, and remember its id."""
    placed = attempt(context, "order", action)
    if placed is not None:
        context.placed.append(placed)


def mean(window):
    """Average what is not missing, without rounding on the way."""
    values = [value for value in window.tolist() if value == value]
    return fsum(values) / len(values) if values else float("nan")


def shortened(rows):
    """Keep the first and last rows of many, and the exact sums of all columns."""
    if len(rows) <= 8:
        return rows
    sums = [fsum(value for value in column if value == value) for column in zip(*rows)]
    return [*rows[:2], *rows[-3:], sums]


def seen(answer):
    """Log an answer of `data` by its form, labels and values."""
    if isinstance(answer, pd.DataFrame):
        ends = [answer.index[0], answer.index[-1]] if len(answer) else []
        rows = [list(row) for row in answer.itertuples(index=False, name=None)]
        return ["frame", list(answer.index.names), len(answer), ends, list(answer.columns), shortened(rows)]
    if isinstance(answer, pd.Series):
        labels = list(answer.index) if len(answer) <= 8 else [answer.index[0], answer.index[-1]]
        return ["series", answer.name, len(answer), labels, shortened([[value] for value in answer.tolist()])]
    return answer


def order_state(placed):
    """Give an order's fields but its id."""
    return [
        placed.sid, placed.amount, placed.filled, placed.commission, placed.limit, placed.stop,
        placed.limit_reached, placed.stop_reached, int(placed.status), placed.dt, placed.created, placed.reason,
    ]
'''


def setup_lines(plan: Plan) -> list[str]:
    """Give the first lines of every initialize."""
    assets = [f"*symbols({', '.join(map(repr, plan.symbols))})", *(f"sid({number})" for number in plan.sids)]
    return [
        f"context.seed = {plan.seed}",
        "context.streams = {}",
        "context.bar = 0",
        "context.notes = {}",
        "context.placed = []",
        "context.fatal = ()",
        f"context.assets = [{', '.join(assets)}]",
        "context.watch = list(context.assets)",
    ]

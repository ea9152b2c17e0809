"""Which errors does the package raise, and as what builtin may a caller catch them?

Names that Zipline's users catch keep Zipline's name. Every message says the parameter, the value received,
the limit crossed and what to do.
"""

from rustybt.errors.near_miss import did_you_mean as did_you_mean


class RustyBTError(Exception):
    """Base of every error that the package raises for a reason a user can act on."""


ZiplineError = RustyBTError
"""The same under the name that Zipline's users catch."""


class UnknownBundle(RustyBTError, LookupError):
    """A bundle name that is not registered, or that has no ingested version."""


class BundleCorrupt(RustyBTError, ValueError):
    """A bundle version on disk whose files do not match its manifest."""


class BadData(RustyBTError, ValueError):
    """Source data that cannot be ingested; the message names file, line, symbol and date."""


class DownloadFailed(RustyBTError, OSError):
    """A file that a server does not give; the message names symbol, URL and status."""


class MissingExtra(RustyBTError, ImportError):
    """A package that only some sources need, and that is not installed."""


class BadClean(RustyBTError, ValueError):
    """`clean` asked with no rule, or with rules that exclude one another."""


class SymbolNotFound(RustyBTError, LookupError):
    """A ticker that no asset held at the look-up date."""


class MultipleSymbolsFound(RustyBTError, LookupError):
    """A ticker that several assets held, asked for without a date."""


class SameSymbolUsedAcrossCountries(MultipleSymbolsFound):
    """A ticker that assets of several countries hold on the same day."""


class IngestWarning(UserWarning):
    """Source data that can be ingested, but with a consequence the user should know."""


class BundleInUse(UserWarning):
    """A version that was to be removed, and that a living process uses."""


class SidsNotFound(RustyBTError, LookupError):
    """Asset ids that the bundle does not hold."""


class InvalidSpan(RustyBTError, ValueError):
    """A start or end that does not fit the calendar or the bundle."""


class ScriptError(RustyBTError, ValueError):
    """A strategy file that cannot be read, compiled or executed."""


class InvalidParameter(RustyBTError, ValueError):
    """A parameter, search space or option outside its bounds."""


class HistoryWindowStartsBeforeData(RustyBTError, ValueError):
    """A history window that reaches back before the bundle's first session."""


class NoMinuteBars(RustyBTError, ValueError):
    """Minutes asked of a daily simulation, or of a bundle without minute bars."""


class QueryRefused(RustyBTError, ValueError):
    """A statement that does more than read a bundle, or is not one query."""


class OrderError(RustyBTError, ValueError):
    """Base of the errors about one order."""


class UnsupportedOrderParameters(OrderError):
    """An order call whose arguments exclude one another or have the wrong type."""


class BadOrderParameters(OrderError):
    """A limit or stop price that is no price."""


class CannotOrderDelistedAsset(OrderError):
    """An order by value or percent of an asset without a price, or outside its life."""


class OrderDuringInitialize(OrderError):
    """An order before the first bar."""


class OrderInBeforeTradingStart(OrderError):
    """An order in before_trading_start, where no market is open."""


class SetSlippagePostInit(RustyBTError, RuntimeError):
    """set_slippage after initialize."""


class SetCommissionPostInit(RustyBTError, RuntimeError):
    """set_commission after initialize."""


class SetCancelPolicyPostInit(RustyBTError, RuntimeError):
    """set_cancel_policy after initialize."""


class RegisterTradingControlPostInit(RustyBTError, RuntimeError):
    """A trading control set after initialize."""


class RegisterAccountControlPostInit(RustyBTError, RuntimeError):
    """An account control set after initialize."""


class TradingControlViolation(RustyBTError, RuntimeError):
    """An order that a trading control forbids."""


class AccountControlViolation(RustyBTError, RuntimeError):
    """An account that an account control forbids."""


class UnsupportedCancelPolicy(RustyBTError, TypeError):
    """What is passed to set_cancel_policy is none."""


class UnsupportedDatetimeFormat(RustyBTError, ValueError):
    """What is passed for a date is none."""


class SetBenchmarkOutsideInitialize(RustyBTError, RuntimeError):
    """set_benchmark after initialize."""


class IncompatibleSlippageModel(RustyBTError, TypeError):
    """A slippage model that does not trade the asset class it is set for."""


class IncompatibleCommissionModel(RustyBTError, TypeError):
    """A commission model that does not charge the asset class it is set for."""


class ZeroCapitalError(RustyBTError, ValueError):
    """A capital base of zero or less."""


class InvalidBenchmarkAsset(RustyBTError, ValueError):
    """A benchmark that pays dividends in stock."""


class NoTradeDataAvailable(RustyBTError, ValueError):
    """An asset that does not trade when it is needed."""


class NoTradeDataAvailableTooEarly(NoTradeDataAvailable):
    """An asset that does not trade yet."""


class NoTradeDataAvailableTooLate(NoTradeDataAvailable):
    """An asset that does not trade any more."""


class BenchmarkAssetNotAvailableTooEarly(NoTradeDataAvailableTooEarly):
    """A benchmark that starts trading after the run starts."""


class BenchmarkAssetNotAvailableTooLate(NoTradeDataAvailableTooLate):
    """A benchmark that stops trading before the run ends."""


class ScheduleFunctionInvalidCalendar(RustyBTError, ValueError):
    """A calendar that schedule_function does not know."""


class NoSimulation(RustyBTError, RuntimeError):
    """A call of the algorithm API while no simulation runs."""


class AttachPipelineAfterInitialize(RustyBTError, RuntimeError):
    """A pipeline attached after `initialize`."""


class BadPercentileBounds(RustyBTError, ValueError):
    """Percentiles that are no bounds."""


class DTypeNotSpecified(RustyBTError, ValueError):
    """A term without a dtype."""


class DuplicatePipelineName(RustyBTError, ValueError):
    """A second pipeline attached under one name."""


class IncompatibleTerms(RustyBTError, ValueError):
    """Terms with different masks, asked to be compared asset by asset."""


class InvalidOutputName(RustyBTError, ValueError):
    """An output whose name a term has for something else."""


class NoDefaultMissingValue(RustyBTError, ValueError):
    """A column of integers that does not say which of them stands for missing."""


class NoFurtherDataError(RustyBTError, ValueError):
    """A pipeline that reaches back before the first session there is."""


class NoDataOnDate(NoFurtherDataError):
    """A pipeline that needs a session before the bundle's first one."""


class NoSuchPipeline(RustyBTError, LookupError):
    """A pipeline that was not attached."""


class NonExistentAssetInTimeFrame(RustyBTError, ValueError):
    """An asset that did not exist in all sessions of a pipeline."""


class NonPipelineInputs(RustyBTError, TypeError):
    """Inputs of a term that are no terms."""


class NonSliceableTerm(RustyBTError, TypeError):
    """A column asked for one of its assets."""


class NonWindowSafeInput(RustyBTError, ValueError):
    """A window over a term whose past values change with splits and dividends."""


class NotDType(RustyBTError, TypeError):
    """A dtype that is none."""


class PipelineOutputDuringInitialize(RustyBTError, RuntimeError):
    """A pipeline's output asked for before the first session."""


class TermInputsNotSpecified(RustyBTError, ValueError):
    """A term without inputs."""


class TermOutputsEmpty(RustyBTError, ValueError):
    """A term with an empty list of outputs."""


class UnknownRankMethod(RustyBTError, ValueError):
    """A way to rank that is none."""


class UnsupportedDType(RustyBTError, TypeError):
    """A dtype that no term can have."""


class UnsupportedDataType(RustyBTError, TypeError):
    """A dtype that a kind of term cannot have."""


class UnsupportedPipelineOutput(RustyBTError, TypeError):
    """A column of a pipeline that has one value for all assets."""


class WindowLengthNotPositive(RustyBTError, ValueError):
    """A window that holds no session."""


class WindowLengthNotSpecified(RustyBTError, ValueError):
    """A term without a window length."""


class ParameterNotSet(RustyBTError, AttributeError):
    """A strategy parameter read before it got a value."""


class ModelLooksAhead(RustyBTError, ValueError):
    """A model asked on a day before its training ended, when nobody could have had it."""


class NoBestTrial(RustyBTError, LookupError):
    """An optimization none of whose trials has a finite score."""


class NoImportances(RustyBTError, ValueError):
    """An optimization whose trials cannot say which parameter matters."""


class NoSavedResult(RustyBTError, LookupError):
    """A folder that holds no saved optimization."""


class ResultCorrupt(RustyBTError, ValueError):
    """A saved optimization whose files do not match its description."""


class AllTrialsFailed(RustyBTError, RuntimeError):
    """An optimization whose every trial failed; `result` carries the trials.

    Attributes
    ----------
    result : object
        The `OptimizationResult` with each trial's status and traceback.
    """

    def __init__(self, message: str, result: object = None) -> None:
        super().__init__(message)
        self.result = result


class JournalNotFound(RustyBTError, FileNotFoundError):
    """A run to resume from a folder that holds none."""


class JournalExists(RustyBTError, FileExistsError):
    """A run to begin in a folder that holds one already, or other files."""


class JournalInUse(RustyBTError, RuntimeError):
    """A run that another optimization is writing at this moment."""


class JournalMismatch(RustyBTError, ValueError):
    """A run to resume with something else than it began with, such as changed code or data.

    Attributes
    ----------
    fields : tuple of str
        What differs.
    """

    def __init__(self, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.fields = fields


class JournalCorrupt(RustyBTError, ValueError):
    """A run's files that are not as they were written, apart from an end that a kill or a power cut left torn."""


class StorageError(RustyBTError, OSError):
    """A run's folder that cannot be made, read or written: no right, no room, no disk."""


class WorkerError(RustyBTError, RuntimeError):
    """Worker processes that cannot be started, or a strategy that cannot reach them."""


class CannotProfile(RustyBTError, RuntimeError):
    """A profile asked for where this process, or this thread of it, cannot be sampled."""


class CacheWarning(UserWarning):
    """Results on disk that cannot be read or kept: trials are simulated instead, and come to the same."""


class ReproducibilityWarning(UserWarning):
    """A run that was repeated and came to another outcome."""

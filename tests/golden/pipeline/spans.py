"""On which sessions of which data are terms compared? Spans over splits, dividends, a listing, a delisting and gaps."""

SPANS = {
    "quad": ("quad", "2013-03-04", "2013-05-31", "AAPL", "KO"),
    "holes-listing": ("holes", "2016-02-01", "2016-04-15", "PAYS", "ALIV"),
    "holes-delisting": ("holes", "2017-05-15", "2017-08-04", "ALIV", "PAYS"),
    "mag7": ("mag7", "2014-03-24", "2014-06-30", "AAPL", "MSFT"),
}
"""Bundle, first and last session, and two assets with a bar on all of them and long before."""

"""How do curves, trials and settings look as charts and as one page? Plain frames in, plotly figures and HTML out."""

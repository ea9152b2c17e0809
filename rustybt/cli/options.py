"""Which options do several commands share?"""

from pathlib import Path

import click

DAY = click.DateTime(formats=["%Y-%m-%d"])

file_option = click.option(
    "-f", "--file", required=True, type=click.Path(path_type=Path), metavar="FILE", help="The strategy: a Python file."
)
bundle_option = click.option("-b", "--bundle", metavar="NAME", help="The bundle to run on.")
start_option = click.option(
    "-s", "--start", type=DAY, metavar="YYYY-MM-DD", help="First day; the bundle's first if omitted."
)
end_option = click.option("-e", "--end", type=DAY, metavar="YYYY-MM-DD", help="Last day; the bundle's last if omitted.")

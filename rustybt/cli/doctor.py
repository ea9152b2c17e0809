"""What has this machine, and what should be changed?"""

import sys

import click
from rich.table import Table

from rustybt.cli.tables import console_for


@click.command()
def doctor() -> None:
    """Show cores, memory, libraries and folders, and what to change before an optimization."""
    from rustybt.optimization.diagnosis import diagnosis

    findings = diagnosis()
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for finding in findings:
        table.add_row(finding.name, finding.found)
    console_for(sys.stdout).print(table)
    advised = [finding for finding in findings if finding.advice]
    for finding in advised:
        click.echo(f"{finding.name}: {finding.advice}")
    if not advised:
        click.echo("nothing needs to be changed")

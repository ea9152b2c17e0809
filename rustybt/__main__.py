"""What does `rustybt`, or `python -m rustybt`, do?"""

from rustybt.cli.boundary import Invocation, report_uncaught, warn_in_one_line
from rustybt.cli.main import cli


def main() -> None:
    """Run the command line and exit the process with its code."""
    invocation = Invocation()
    report_uncaught(invocation)
    warn_in_one_line()
    cli.main(prog_name="rustybt", obj=invocation)


if __name__ == "__main__":
    main()

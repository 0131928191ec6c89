"""`python -m simulator` is `incentive-sim`."""

from simulator.cli.main import main

if __name__ == "__main__":
    main(prog_name="incentive-sim")

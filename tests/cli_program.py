"""The command line as `python -m`, for tests that run it as a program of its own."""

from realtime_agent.cli import main

if __name__ == "__main__":
    main()

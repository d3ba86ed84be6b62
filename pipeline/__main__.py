"""`python -m pipeline COMMAND` is `tokenmill COMMAND`, also where the console script is not on the PATH."""

from pipeline.cli import entry

if __name__ == "__main__":
    entry()

"""All that this project knows of Beam's insides: names and texts that are no public interface. Each has a canary among the tests.

pyproject.toml bounds `apache-beam` from above: a newer release is allowed once the canaries have passed on it.
"""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineRunner

WORKER_THREAD = "run_worker"
"""Name of the thread that starts a worker process and waits for its end."""

SIDE_THREADS = (WORKER_THREAD, "beam_control_read", "read_grpc_client_inputs")
"""Names of threads whose errors say only that a worker has gone away."""

WORKER_EXITED = re.compile(r"Worker subprocess exited with return code (-?\d+)")
"""What WORKER_THREAD raises when its process ended with another status than 0."""

STEP_SUFFIX = re.compile(r" \[while running '.*'\]$")
"""What Beam adds to the text of a DoFn's exception."""

_SAMPLING_MILLISECONDS = 10


class CachedOptions(PipelineOptions):
    """Options whose views are made once: while a graph is built Beam asks for the same few some 500 times, and parses all arguments
    anew each time, 0.2 s in all. Views share their values, so one does for all who ask."""

    def view_as(self, cls: type[PipelineOptions]) -> Any:
        views = self.__dict__.setdefault("_views", {})
        if cls not in views:
            views[cls] = super().view_as(cls)
        return views[cls]


def run_worker(arguments: list[str]) -> None:
    """Is a worker process, described by Beam's environment variables, until Beam says that all is done."""
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(arguments)


def runner_with_processes(command: str, options: PipelineOptions) -> PipelineRunner:
    """FnApiRunner whose workers are processes, each started by a shell command."""
    # Imported here, since worker processes need none of it.
    from apache_beam.portability.api import beam_provision_api_pb2
    from apache_beam.runners.portability.fn_api_runner import FnApiRunner
    from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
    from apache_beam.runners.portability.portable_runner import JobServiceHandle
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    # It gives its worker processes no options unless they come as provision info.
    provision = ExtendedProvisionInfo(
        beam_provision_api_pb2.ProvisionInfo(
            pipeline_options=JobServiceHandle.encode_pipeline_options(options.get_all_options())
        )
    )
    return FnApiRunner(
        default_environment=SubprocessSDKEnvironment(command_string=command),
        provision_info=provision,
    )


@contextlib.contextmanager
def bundles_end_at_once() -> Iterator[None]:
    """Within the block, bundles of this process end without a wait for Beam's sampler of states, which looks every 200 ms and is joined.

    Each stage of a pipeline would wait 0.1 s on average, in every worker. The period is a default of a constructor and no option;
    it is Beam's own again after the block, for other pipelines of this process.
    """
    from apache_beam.runners.worker import statesampler

    constructor = statesampler.StateSampler.__init__
    before = constructor.__defaults__
    constructor.__defaults__ = (_SAMPLING_MILLISECONDS,)
    try:
        yield
    finally:
        constructor.__defaults__ = before

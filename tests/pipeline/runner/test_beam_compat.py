"""Canaries for what this project knows of Beam's insides: one that fails says what a new release of Beam has changed."""

import inspect

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, StandardOptions
from apache_beam.portability.api import beam_provision_api_pb2
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import FnApiRunner, worker_handlers
from apache_beam.runners.portability.fn_api_runner.fn_runner import ExtendedProvisionInfo
from apache_beam.runners.worker import data_plane, statesampler

from pipeline.runner import beam_compat


def test_the_sampler_of_states_has_one_default_its_period() -> None:
    constructor = statesampler.StateSampler.__init__
    before = constructor.__defaults__
    assert before == (200,)
    with beam_compat.bundles_end_at_once():
        assert constructor.__defaults__ == (10,)
    assert constructor.__defaults__ == before


def test_views_of_options_share_their_values() -> None:
    plain, cached = PipelineOptions(["--runner=X"]), beam_compat.CachedOptions(["--runner=X"])
    assert plain.view_as(StandardOptions) is not plain.view_as(
        StandardOptions
    )  # what the class mends
    assert cached.view_as(StandardOptions) is cached.view_as(StandardOptions)
    cached.view_as(StandardOptions).runner = "Y"
    assert cached.view_as(PipelineOptions).get_all_options()["runner"] == "Y"


def test_a_worker_that_ends_badly_is_told_by_its_status() -> None:
    provision = ExtendedProvisionInfo(beam_provision_api_pb2.ProvisionInfo())
    worker = local_job_service.SubprocessSdkWorker(b"exit 7", "localhost:1", provision)
    with pytest.raises(RuntimeError) as caught:
        worker.run()
    match = beam_compat.WORKER_EXITED.match(str(caught.value))
    assert match
    assert match[1] == "7"


def test_threads_have_these_names() -> None:
    source = "".join(map(inspect.getsource, (worker_handlers, data_plane)))
    for name in beam_compat.SIDE_THREADS:
        assert f"'{name}'" in source, name
    assert f"name='{beam_compat.WORKER_THREAD}'" in inspect.getsource(
        worker_handlers.SubprocessSdkWorkerHandler.start_worker
    )


def _fail(element: int) -> int:
    raise ValueError("no luck")


def test_the_text_of_an_error_ends_with_its_step() -> None:
    with (
        pytest.raises(Exception, match="no luck") as caught,
        beam.Pipeline(runner=FnApiRunner()) as pipeline,
    ):
        _ = pipeline | beam.Create([1]) | "Step" >> beam.Map(_fail)
    last = str(caught.value).strip().splitlines()[-1]
    assert last.endswith("[while running 'Step']")
    assert beam_compat.STEP_SUFFIX.sub("", last).endswith("no luck")


def test_a_runner_with_processes_is_this_one() -> None:
    runner = beam_compat.runner_with_processes("true", PipelineOptions([]))
    assert isinstance(runner, FnApiRunner)

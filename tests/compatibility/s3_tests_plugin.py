"""A pytest plugin that writes one line per case of ceph/s3-tests: outcome, case, seconds and the
first line of what failed. The report beside it compares these lines with the committed list.
With S3_TESTS_SCOPE=in-scope it leaves out the cases of capabilities that come later."""

import configparser
import contextlib
import os
import pathlib
import re

import boto3
import pytest

_outcomes: dict[str, str] = {}
_seconds: dict[str, float] = {}
_messages: dict[str, str] = {}
# Cases that need an account without any bucket: run before any other on the first server.
_FIRST = {"test_list_buckets_paginated"}
# Cases that hold for buckets as AWS makes them now, and not as it did before April 2023, which the others
# of the suite suppose and its servers here do.
_OWNED_BY_DEFAULT = {"test_rm_bucket_logging"}
_WEIGHT = {"passed": 0, "skipped": 1, "failed": 2}


def _read_groups() -> list[tuple[str, re.Pattern[str]]]:
    text = pathlib.Path(__file__).with_name("s3-tests-groups.txt").read_text(encoding="utf-8")
    lines = [line.split() for line in text.splitlines() if line.strip() and line[0] != "#"]
    return [(scope, re.compile(pattern)) for scope, _, pattern in lines]


def _name_the_region() -> None:
    """Cases of IAM and STS sign for no region at all, which no SDK does by itself and AWS refuses."""
    make_client = boto3.client

    def client(*arguments, **settings):
        if settings.get("region_name") == "":
            settings["region_name"] = os.environ["AWS_DEFAULT_REGION"]
        return make_client(*arguments, **settings)

    boto3.client = client


def _iam(config, user: str):
    return boto3.client(
        "iam",
        endpoint_url=config.default_endpoint,
        aws_access_key_id=getattr(config, f"{user}_access_key"),
        aws_secret_access_key=getattr(config, f"{user}_secret_key"),
    )


def _tidy_identities(config) -> None:
    """What a case that failed leaves behind would fail those after it, and the suite deletes users
    before it empties their groups, which IAM refuses."""
    iam = _iam(config, "iam")
    for name in iam.list_user_policies(UserName=config.alt_user_id)["PolicyNames"]:
        iam.delete_user_policy(UserName=config.alt_user_id, PolicyName=name)
    root = _iam(config, "iam_root")
    for group in root.list_groups()["Groups"]:
        name = group["GroupName"]
        for user in root.get_group(GroupName=name)["Users"]:
            root.remove_user_from_group(GroupName=name, UserName=user["UserName"])


@contextlib.contextmanager
def _buckets_as_made_now():
    def own(params, **_):
        params.setdefault("ObjectOwnership", "BucketOwnerEnforced")

    boto3.setup_default_session()
    events = boto3.DEFAULT_SESSION.events
    events.register("before-parameter-build.s3.CreateBucket", own)
    try:
        yield
    finally:
        events.unregister("before-parameter-build.s3.CreateBucket", own)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """The alternative user of these files is one in the account of [iam], elsewhere an account."""
    if item.name in _OWNED_BY_DEFAULT:
        with _buckets_as_made_now():
            return (yield)
    if item.path.name not in ("test_iam.py", "test_sts.py"):
        return (yield)
    from s3tests.functional import config

    read = configparser.RawConfigParser()
    read.read(os.environ["S3TEST_CONF"])
    names = ("access_key", "secret_key", "user_id", "display_name", "email")
    account = {name: getattr(config, f"alt_{name}") for name in names}
    for name in names:
        setattr(config, f"alt_{name}", read["iam user"][name])
    try:
        return (yield)
    finally:
        _tidy_identities(config)
        for name in names:
            setattr(config, f"alt_{name}", account[name])


def _waits_for_days(item) -> bool:
    marks = ("lifecycle_expiration", "lifecycle_transition")
    return "header" not in item.name and any(item.get_closest_marker(mark) for mark in marks)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item):
    """Cases that wait for lifecycle rules run against a server whose days are short."""
    if not _waits_for_days(item):
        return (yield)
    from s3tests import functional

    usual = os.environ["S3TEST_CONF"]
    os.environ["S3TEST_CONF"] = usual.replace(".conf", "-short-days.conf")
    functional.configure()
    try:
        return (yield)
    finally:
        os.environ["S3TEST_CONF"] = usual
        functional.configure()


def pytest_configure(config) -> None:
    """Gives each process of pytest-xdist the configuration, and with it the server, of its own."""
    _name_the_region()
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker is not None:
        directory = pathlib.Path(os.environ["S3_TESTS_CONFIGURATIONS"])
        os.environ["S3TEST_CONF"] = str(directory / f"s3tests-{worker}.conf")


def pytest_collection_modifyitems(config, items) -> None:
    items.sort(key=lambda item: item.name not in _FIRST)
    wanted = os.environ.get("S3_TESTS_SCOPE")
    if wanted is None:
        return
    groups = _read_groups()
    chosen, left_out = [], []
    for item in items:
        case = item.nodeid.rpartition("/")[2]
        scope = next((scope for scope, pattern in groups if pattern.search(case)), None)
        (chosen if scope in (wanted, None) else left_out).append(item)
    config.hook.pytest_deselected(items=left_out)
    items[:] = chosen


def pytest_runtest_logreport(report) -> None:
    """Setup, call and teardown each report once; the worst of the three is the case's outcome."""
    case = report.nodeid.rpartition("/")[2]
    known = _outcomes.get(case, "passed")
    if _WEIGHT[report.outcome] >= _WEIGHT[known]:
        _outcomes[case] = report.outcome
    _seconds[case] = _seconds.get(case, 0.0) + report.duration
    if report.failed and case not in _messages:
        lines = [line for line in report.longreprtext.splitlines() if line.startswith("E ")]
        _messages[case] = f"{report.when}: {' '.join((lines or ['?'])[0][1:].split())[:300]}"


def pytest_sessionfinish(session) -> None:
    # With pytest-xdist the workers run this too, but only the controller collects the reports.
    target = os.environ.get("S3_TESTS_RESULTS")
    if target is None or hasattr(session.config, "workerinput"):
        return
    pathlib.Path(target).write_text(
        "".join(
            f"{outcome}\t{case}\t{_seconds[case]:.2f}\t{_messages.get(case, '')}\n"
            for case, outcome in sorted(_outcomes.items())
        ),
        encoding="utf-8",
    )

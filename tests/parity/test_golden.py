"""Numbers of the originals: `python -m pytest tests/parity --golden DIR` takes any case folder."""

import pathlib

import jax

from tests.parity import case as case_lib


def pytest_generate_tests(metafunc):
  folder = pathlib.Path(metafunc.config.getoption('--golden'))
  cases = case_lib.listed(folder)
  metafunc.parametrize('folder, stem, kind', cases,
                       ids=[f'{kind}-{stem}' for _, stem, kind in cases])


def test_golden(folder, stem, kind):
  check = case_lib.checker(kind)
  with jax.enable_x64(True):
    check(case_lib.load(folder, stem, kind))

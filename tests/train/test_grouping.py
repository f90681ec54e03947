"""Who trains together, on which device."""

import types

import jax
import pytest

from emojax.train import grouping


def largest(mode, monkeypatch, *, platform='gpu', memory=None, across=1, state_bytes=10):
  stats = None if memory is None else {'bytes_limit': memory}
  device = types.SimpleNamespace(platform=platform, memory_stats=lambda: stats)
  monkeypatch.setattr(jax, 'local_devices', lambda: [device])
  return grouping.largest_group(mode, 6, across=across, state_bytes=lambda: state_bytes)


@pytest.mark.parametrize('mode, expected', [('vmap', 6), ('sequential', 1), ('auto', 1)])
def test_on_a_cpu(mode, expected, monkeypatch):
  assert largest(mode, monkeypatch, platform='cpu') == expected


@pytest.mark.parametrize('memory, across, expected', [
  (None, 1, 6), (1000, 1, 6), (80, 1, 4), (15, 1, 1), (80, 2, 6), (40, 2, 4), (1, 2, 2)])
def test_an_accelerator_takes_as_many_as_half_its_memory_holds(
    memory, across, expected, monkeypatch):
  assert largest('auto', monkeypatch, memory=memory, across=across) == expected


def test_members_laid_over_devices_train_together(monkeypatch):
  assert largest('auto', monkeypatch, platform='cpu', across=2) == 6
  with pytest.raises(ValueError, match="'sequential' trains one .* config.mesh.member=2"):
    largest('sequential', monkeypatch, across=2)


def test_a_wrong_mode_is_answered(monkeypatch):
  with pytest.raises(ValueError, match="mode='pmap'; there are: auto, vmap, sequential"):
    largest('pmap', monkeypatch)


def test_groups_keep_the_order():
  assert grouping.divide([1, 2, 3, 4, 5], 2) == [[1, 2], [3, 4], [5]]

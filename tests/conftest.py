"""Every test runs on eight simulated devices, with implicit rank promotion and warnings as errors."""

import os

os.environ['JAX_PLATFORMS'] = 'cpu'
os.environ['XLA_FLAGS'] = (
  os.environ.get('XLA_FLAGS', '') + ' --xla_force_host_platform_device_count=8')

import jax  # noqa: E402

jax.config.update('jax_numpy_rank_promotion', 'raise')


def pytest_addoption(parser):
  parser.addoption('--golden', default='tests/golden',
                   help='a folder of golden cases with an index.json, or a folder of such folders')

"""Files of MME2E's baselines as their code writes them: imported, they answer as the original did.

The forward case of the same parameters says how: logits, loss, gradients.
"""

import importlib

import pytest

from emojax.io import parameters
from emojax.train import mme2e_checkpoint, mme2e_file
from tests.parity import case as case_lib
from tests.parity import mme2e_network

PREFIX, ENDING = 'checkpoint_', '.pt'
STATS = 'stats_example.pt'


def check(case: case_lib.Case) -> None:
  path, kind = case.folder / case.stem, case.stem.removeprefix(PREFIX).removesuffix(ENDING)
  if case.stem == STATS:
    _check_stats(path)
  elif path.suffix != ENDING:
    pytest.skip('a text about the files, which are cases of their own')
  elif kind not in mme2e_file.MODELS:
    with pytest.raises(ValueError, match='a checkpoint of MME2E, which is not built yet'):
      mme2e_file.read(path)
    pytest.skip(f'{kind} is not built yet')
  else:
    _check_answers(case_lib.load(case.folder, f'{kind}_tav', f'mme2e/{kind}'), path, kind)


def _check_answers(network: case_lib.Case, path, kind: str) -> None:
  checkpoint = mme2e_file.read(path)
  assert checkpoint.model == kind and checkpoint.modalities == 'tav'
  assert list(checkpoint.widths.values()) == [
    network.about['args']['hfc_sizes']['tav'.index(letter)] for letter in checkpoint.widths]
  config = importlib.import_module(f'configs.mosei_{kind}').get_config()
  mme2e_checkpoint.configure(config, [checkpoint], kind)
  if kind == 'lf_transformer':
    assert config.model.num_layers == network.about['args']['trans_nlayers']
    assert config.model.feed_forward == network.about['transformer_ffn_dim']
  module, make = mme2e_network.build(kind, network.about)
  [source] = mme2e_checkpoint.sources([checkpoint], config)
  params = mme2e_network.filled(make, source.params, str(path))
  assert len(parameters.flatten(params)) == len(checkpoint.state_dict)
  mme2e_network.check_answers(network, module, make, params)


def _check_stats(path) -> None:
  args, best_epoch = mme2e_file.read_stats(path)
  assert args == {'model': 'mme2e', 'modalities': 'tav', 'loss': 'bce', 'seed': 0}
  assert best_epoch == 1

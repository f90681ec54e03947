"""The twins give the originals' outputs, loss and gradients: what they are timed at is the models.

Needs PyTorch; takes `--golden DIR` as tests/parity does.
"""

import dataclasses
import importlib
import pathlib

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from emojax.io import parameters  # noqa: E402
from tests.benchmarks import light_data, light_torch, light_torch_worker  # noqa: E402
from tests.parity import case as case_lib  # noqa: E402

CASES = {'lf_rnn_tav': 'lf_rnn', 'lf_transformer_tav': 'lf_transformer', 'tfn_mosi': 'tfn',
         'lmf_mosi': 'lmf'}
CONSTANTS = 'output_range', 'output_shift'  # TFN's, trained by nobody


def pytest_generate_tests(metafunc):
  if 'stem' in metafunc.fixturenames:
    folder = pathlib.Path(metafunc.config.getoption('--golden', 'tests/golden'))
    cases = [case for case in case_lib.listed(folder) if case[1] in CASES]
    metafunc.parametrize('folder, stem, kind', cases, ids=[stem for _, stem, _ in cases])


def build(case):
  """The twin of a case, in float64, with the case's parameters."""
  about = case.about
  if 'hfc_sizes' in about.get('args', {}):
    args = about['args']
    widths, labels = dict(zip(light_torch.MODALITIES, args['hfc_sizes'])), args['num_emotions']
    sizes = dict(num_layers=args['trans_nlayers'], feed_forward=about['transformer_ffn_dim'],
                 dropout=0.0, num_heads_text=4, num_heads_audio=2, num_heads_video=5,
                 ) if 'trans_nlayers' in args else {}
  else:
    widths = dict(zip(('audio', 'video', 'text'), about['input_dims_audio_video_text']))
    labels = about['output_dim']
    hidden = zip(('audio', 'video', 'text'), about['hidden_dims'])
    sizes = {f'hidden_{name}': width for name, width in hidden}
    sizes |= dict(text_out=about['text_out'], dropout_text=0.0, dropout_audio=0.0,
                  dropout_video=0.0)
    sizes |= ({'rank': about['rank']} if about['rank'] else
              {'post_fusion': about['post_fusion_dim'], 'dropout_post': 0.0})
  model = light_torch.MODELS[CASES[case.stem]](widths, labels, **sizes).double()
  model.load_state_dict(tensors(case, 'param/'))
  return model


def tensors(case, prefix):
  values = parameters.rename(case.under(prefix), light_torch.FROM_ORIGINAL, transposed=False)
  return {name: torch.tensor(value) for name, value in values.items() if name not in CONSTANTS}


def batch(case):
  """(batch, labels); MME2E's frames are listed one utterance after the other."""
  arrays = {name: torch.tensor(array) for name, array in case.under('in/').items()}
  arrays = {name: array.double() if array.is_floating_point() else array
            for name, array in arrays.items()}
  if 'y' in arrays:
    return {'text': arrays['text'], 'audio': arrays['audio'][:, None],
            'video': arrays['video'][:, None]}, arrays['y']
  made = {'text': arrays['texts']}
  for name, theirs in (('audio', 'audio'), ('video', 'img')):
    lengths = arrays[f'{theirs}_lens']
    made[name] = torch.nn.utils.rnn.pad_sequence(
      arrays[f'{theirs}_features'].split(lengths.tolist()), batch_first=True)
    made[f'num_{name}'] = lengths
  return made, arrays['labels']


def test_twin_is_the_original(folder, stem, kind):
  case = case_lib.load(folder, stem, kind)
  model, (inputs, labels) = build(case), batch(case)
  loss_of = light_torch.losses(torch.tensor(case.arrays.get('in/pos_weight', 1.0)))[
    kind.split('/')[0]]
  modes = ((('eval', 'out/eval_output', 'out/eval_loss', 'grad/'),
            ('train', 'out/train_output', 'out/train_loss', 'grad_train/'))
           if 'out/eval_output' in case.arrays else
           (('eval', 'out/logits', 'out/loss', 'grad/'),
            ('train', 'out/logits', 'out/loss', 'grad/')))  # the same, dropout aside
  for mode, output, loss, gradients in modes:
    model.train(mode == 'train')
    model.zero_grad()
    found = model(inputs)
    found_loss = loss_of(found, labels)
    found_loss.backward()
    close(found, case.arrays[output], 1e-9, output)
    close(found_loss, case.arrays[loss], 1e-9, loss)
    given = {name: parameter.grad for name, parameter in model.named_parameters()}
    wanted = tensors(case, gradients)
    assert wanted.keys() == given.keys()
    for name, gradient in wanted.items():  # stored in single precision, which knows seven digits
      close(given[name], gradient, 1e-7 if gradient.dtype == torch.float32 else 1e-8, name)
  buffers = dict(model.named_buffers())
  for name, value in tensors(case, 'out/buffer_after_train/').items():
    if not name.endswith('num_batches_tracked'):  # nobody reads it, and the case's begins at 20
      close(buffers[name], value, 1e-9, name)


def test_what_is_timed_is_close_to_the_original(folder, stem, kind):
  """In single precision PyTorch's LSTM is another program."""
  case = case_lib.load(folder, stem, kind)
  model, (inputs, _) = build(case).float().eval(), batch(case)
  found = model({name: value.float() if value.is_floating_point() else value
                 for name, value in inputs.items()})
  wanted = case.arrays['out/eval_output' if 'out/eval_output' in case.arrays else 'out/logits']
  close(found, wanted, 1e-5, 'output')


@pytest.mark.parametrize('name', light_data.MODELS)
def test_a_timed_step_trains(name):
  """The loss falls where the same utterances come again, and dropout is on."""
  timed = light_data.MODELS[name]
  small = {key: min(value, 8) if key.startswith(('hidden', 'text_out', 'post', 'feed')) else value
           for key, value in timed.sizes.items()}
  timed = dataclasses.replace(timed, sizes=small)
  update = light_torch_worker.updater(timed, light_data.utterances(timed.system), rate=1e-2)
  first, *_, last = [update(torch.arange(light_data.BATCH)).item() for _ in range(12)]
  assert last < first


@pytest.mark.parametrize('name', [name for name in light_data.MODELS if name != 'tfn_paper'])
def test_sizes_are_the_published_ones(name):
  module = importlib.import_module(f'emojax.models.{light_data.MODELS[name].kind}')
  assert light_data.MODELS[name].sizes == module.PRESETS['published']


def close(found, wanted, relative, what):
  case_lib.assert_close(found.detach().numpy(), np.asarray(wanted), relative=relative, noise=1e-13,
                        what=what)

"""One experiment opened: what its config names, found and checked before anything is computed."""

import dataclasses
import functools
import importlib
import itertools
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import ml_collections
import numpy as np

from emojax import near
from emojax.data import fitted as fitted_lib
from emojax.data import loader as loader_lib
from emojax.data import plan as plan_lib
from emojax.data import processed, source
from emojax.data import streams as streams_lib
from emojax.data import table as table_lib
from emojax.features import words
from emojax.protocols import labels as labels_lib
from emojax.protocols import protocol as protocol_lib
from emojax.train import (
  contamination,
  functional,
  hiding,
  known_best,
  members,
  optim,
  run_folder,
  sharding,
  step,
)
from emojax.types import StreamSpec, Tree, modalities_of

SOURCES = {'records': source.load, 'processed': processed.load, 'table': table_lib.load}


@dataclasses.dataclass(frozen=True)
class Member:
  """What one member trains and is evaluated on."""

  member: members.Member
  split: protocol_lib.Split
  fitted: fitted_lib.Fitted
  make: functional.Make
  loader: Any
  train_plan: plan_lib.Plan
  plans: Mapping[str, plan_lib.Plan]  # part -> each row once and in order
  truncated: np.ndarray  # bool [N], whether a stream of the row is cut to its longest length


class Experiment:
  """The corpus, protocol, task and model of a config."""

  def __init__(self, config: ml_collections.ConfigDict, placement: sharding.Placement, *,
               unlabelled: bool = False, without: Sequence[str] = (),
               fitted: Mapping[tuple[int, bool], fitted_lib.Fitted] | None = None):
    """Opens the experiment.

    Args:
      unlabelled: whether utterances without labels can be predicted too.
      without: parts that nobody will ask for, such as 'test'; nothing of them is read.
      fitted: (fold, refit) -> values that are known and not to be fitted, see `kept_fitted`.
    """
    self.config, self.placement = config, placement
    parts = protocol_lib.PARTS if unlabelled else protocol_lib.SPLITS
    self._parts = [part for part in parts if part not in without]
    self.protocol = protocol_lib.load(config.protocol)
    self.members = list_members(config, self.protocol)
    members.check([m.settings for m in self.members], members.fields(config))
    optim.check_weight_decay(config.optim.name, config.optim.weight_decay)
    hiding.check_rate(config.get('modality_dropout', 0.0), config.streams)
    optim.check_schedule(config.optim.get('schedule', 'constant'))
    module('models', config.model.name, 'config.model.name')  # before anything is read
    self.heads = make_heads(config, self.protocol)
    self.corpus = open_corpus(config, self.protocol.corpus)
    self.splits = {
      fold: protocol_lib.resolve(self.protocol, fold, self.corpus.index,
                                 complete=self.corpus.is_complete_release)
      for fold in sorted({m.fold for m in self.members})}
    self._features = {name: self.corpus.feature(stream.feature)
                      for name, stream in config.streams.items() if stream.kind == 'frames'}
    self._notices = contamination.notices(
      self.protocol, self.splits, self.corpus.index,
      {config.streams[name].feature: feature.about.get('fitted_on')
       for name, feature in self._features.items()})
    self.note(())
    if unlabelled and not all(
        len(split.rows[protocol_lib.UNLABELLED]) for split in self.splits.values()):
      raise ValueError(f'{self.protocol.name} names utterances without labels '
                       f'({self.protocol.unlabelled[0]}), but {self.corpus.path} has none of them; '
                       'put their files beside the others.')
    self._used = np.unique(np.concatenate(
      [split.rows[part] for split in self.splits.values() for part in self._parts]))
    self._known = dict(fitted or {})
    self._placed = {}  # (stream, fold or None, refit) -> Stream on the device

  @property
  def about(self) -> dict[str, Any]:
    """What the folder of a run says of it; reports need no more of the corpus than `about`."""
    kept = (*known_best.KEPT, 'complete', 'exclusions')
    return {
      'protocol': self.protocol.name, 'members': [m.name for m in self.members],
      'dataset': self.corpus.about['fingerprint'],
      'widths': {name: int(feature.width) for name, feature in self._features.items()},
      'about': {key: value for key, value in self.corpus.about.items() if key in kept}
               | {'n_excluded': self.corpus.num_excluded, 'clipped': self._clipped(),
                  'notices': self._notices,
                  'modalities': modalities_of(self.config.streams)}}

  def note(self, found: Iterable[str]) -> None:
    """Adds what every result must say, each line once."""
    self._notices = list(dict.fromkeys([*self._notices, *found]))
    self.protocol = contamination.noted(self.protocol, self._notices)

  def _clipped(self) -> dict[str, dict[str, int]]:
    """Head -> column -> how many labels lie outside their range, where any do."""
    found = {}
    for head in self.heads:
      labels = self.protocol.labels[head.name]
      numbers = labels.clipped(self.corpus.index) if labels.form == 'values' else {}
      found[head.name] = {column: number for column, number in numbers.items() if number}
    return {head: numbers for head, numbers in found.items() if numbers}

  def member(self, member: members.Member, *, refit: bool = False) -> Member:
    """Data and model of one member; with `refit`, validation rows are trained on as well."""
    split = self.splits[member.fold]
    fitted = self.fitted(member.fold, refit)
    readers = self._readers(member.fold, refit)
    weights = np.ones(len(self.corpus.index['id']), np.float32)
    for head in self.heads:  # with several heads their factors multiply
      weights *= _factors(fitted.class_weights[head.name], split.targets[head.name])
    return Member(
      member, split, fitted, self.make(member, refit=refit),
      self._loader(split, readers, weights, member, refit),
      *self._plans(split, readers, member, refit),
      np.logical_or.reduce([reader.truncated for reader in readers.values()]))

  def shapes(self, *, refit: bool = False) -> Tree:
    """The largest shape of each parameter over all members."""
    specs = [self._specs(self.fitted(fold, refit)) for fold in sorted(self.splits)]
    largest = {  # folds differ in their vocabularies alone
      name: dataclasses.replace(
        spec, vocabulary_size=max(other[name].vocabulary_size for other in specs), vectors=None)
      for name, spec in specs[0].items()}
    return functional.shapes(make_model(self.config, largest, self.heads))[0]

  def check_accumulation(self, *, refit: bool = False) -> None:
    """Refuses batches in parts where they would train otherwise, see `step.check_accumulation`."""
    batch = self.config.batch
    if not 1 <= batch.accumulate <= batch.size:
      raise ValueError(f'config.batch.accumulate={batch.accumulate}: expected 1 (all at once) to '
                       f'batch.size={batch.size} (an example at a time).')
    if batch.accumulate > 1:
      specs = self._specs(self.fitted(self.members[0].fold, refit))
      step.check_accumulation(make_model(self.config, specs, self.heads), specs, self.heads)

  def fitted(self, fold: int, refit: bool) -> fitted_lib.Fitted:
    """The fitted values of a fold; those of all folds are made together, see `word_vectors_of`.

    Those of an imported run lack balanced class weights, see `importing.fitted`: they are counted
    here.
    """
    known = self._known.get((fold, refit))
    if known is None:
      return self._all_fitted(refit)[fold]
    if any(head.name not in known.class_weights for head in self.heads):
      known = self._known[fold, refit] = dataclasses.replace(
        known, class_weights={**self._class_weights(fold, refit), **known.class_weights})
    return known

  def _class_weights(self, fold: int, refit: bool) -> dict[str, tuple[float, ...]]:
    """Head -> one factor per class, by the training rows of a fold."""
    rows, targets = self._train_rows(fold, refit), self.splits[fold].targets
    return {head.name: fitted_lib.class_weights(
      self.config.heads[head.name].get('class_weights', 'none'), targets[head.name][rows],
      head.classes) for head in self.heads}

  @functools.lru_cache  # noqa: B019, an experiment lives as long as its program
  def _all_fitted(self, refit: bool) -> dict[int, fitted_lib.Fitted]:
    folds = sorted(self.splits)
    rows = {fold: self._train_rows(fold, refit) for fold in folds}
    vocabularies, vectors, scheme, found_in = [{}] * len(folds), [None] * len(folds), '', ''
    for stream in self.config.streams.values():
      if stream.kind == 'words' and stream.vectors == 'processed':
        scheme, found_in = stream.vocabulary, '; words and vectors: cache files of the original'
        vocabulary, table = fitted_lib.checked_word_cache(
          *self.corpus.word_cache(), scheme, stream.width)
        vocabularies, vectors = [vocabulary] * len(folds), [table] * len(folds)
      elif stream.kind == 'words':
        scheme = stream.vocabulary
        vocabularies = [words.vocabulary(self._fit_sentences(fold, refit, stream), scheme)
                        for fold in folds]
        vectors = fitted_lib.word_vectors_of(
          vocabularies, scheme, stream.vectors, stream.width, stream.get('missing', 'zeros'))
    found = {}
    for fold, vocabulary, table in zip(folds, vocabularies, vectors):
      split = self.splits[fold]
      found[fold] = fitted_lib.Fitted(
        source=f'{self.protocol.name} {split.fold.name} '
               + ('train+valid' if refit else 'train') + found_in,
        vocabulary=vocabulary, scheme=scheme, vectors=table,
        moments={
          name: self._fit(name, stream.normalise, rows[fold])
          for name, stream in self.config.streams.items()
          if stream.get('normalise') in fitted_lib.FITS},
        class_weights=self._class_weights(fold, refit))
    return found

  def _fit(self, name: str, normalise: str, rows: np.ndarray) -> streams_lib.Moments:
    """What a stream's frames are normalised with."""
    try:
      return fitted_lib.FITS[normalise](self._features[name].read, rows)
    except ValueError as error:
      raise ValueError(f'config.streams.{name}, training part: {error} Leave the stream out.'
                       ) from None

  @functools.lru_cache  # noqa: B019, an experiment lives as long as its program
  def _tokens(self, tokens: str) -> list[list[str]]:
    return [*map(words.tokenizer(tokens), self.corpus.words)]

  def _fit_sentences(self, fold: int, refit: bool, stream) -> Iterator[Sequence[str]]:
    """The sentences that a vocabulary is fitted on."""
    chosen, tokens = stream.get('fit_on', 'labelled'), stream.get('tokens', 'words')
    if chosen == 'labelled':
      return (self._tokens(tokens)[row] for row in self._train_rows(fold, refit).tolist())
    if chosen != 'all':
      raise ValueError(f"config.streams: fit_on={chosen!r}; there are: 'labelled', 'all'.")
    said, places = self.corpus.transcripts, self.splits[fold].fold
    if not isinstance(places.train, Mapping):
      raise ValueError("config.streams: fit_on='all' takes whatever is said where the training "
                       f'part is, but {self.protocol.name} lists or draws single utterances; '
                       "choose fit_on='labelled'.")
    wanted = labels_lib.matches(said.index, places.train)
    if refit:
      wanted |= labels_lib.matches(said.index, places.valid)
    tokenize = words.tokenizer(tokens)
    return (tokenize(said.words[row]) for row in np.flatnonzero(wanted).tolist())

  def _train_rows(self, fold: int, refit: bool) -> np.ndarray:
    rows = self.splits[fold].rows
    return np.union1d(rows['train'], rows['valid']) if refit else rows['train']

  def _readers(self, fold: int, refit: bool) -> dict[str, streams_lib.Reader]:
    fitted = self.fitted(fold, refit)
    readers = {}
    for name, stream in self.config.streams.items():
      spec = self._spec(name, fitted)
      if stream.kind == 'words':
        tokens = self._tokens(stream.get('tokens', 'words'))
        readers[name] = streams_lib.Words(
          tokens, fitted.vocabulary, spec, stream.get('keep', 'first'))
      else:
        feature = self._features[name]
        readers[name] = streams_lib.Frames(
          feature.read, feature.lengths, spec, self._moments(name, stream.normalise, fitted),
          stream.get('exact', 'kept'), stream.get('keep', 'first'))
    return readers

  def _moments(self, name: str, normalise: str, fitted: fitted_lib.Fitted):
    """Row -> (mean, deviation), as `normalise` says."""
    read = self._features[name].read
    if normalise == 'none':
      return None
    if normalise in fitted_lib.FITS:
      return lambda row: fitted.moments[name]
    if normalise == 'utterance':
      return lambda row: fitted_lib.fit_moments(read, np.array([row]))
    if normalise == 'speaker':  # all of a speaker's frames, labels unseen
      speakers = self.corpus.index.get('speaker')
      if speakers is None:
        raise ValueError(f"config.streams.{name}.normalise='speaker': nobody says who speaks in "
                         f'{self.corpus.name}; its index has {sorted(self.corpus.index)}.')
      of = functools.cache(lambda speaker: fitted_lib.fit_moments(
        read, np.flatnonzero(speakers == speaker)))
      return lambda row: of(speakers[row])
    known = ('none', *fitted_lib.FITS, 'speaker', 'utterance')
    raise ValueError(f'config.streams.{name}.normalise={normalise!r}; there are: '
                     f'{", ".join(map(repr, known))}.')

  def _specs(self, fitted: fitted_lib.Fitted) -> dict[str, StreamSpec]:
    return {name: self._spec(name, fitted) for name in self.config.streams}

  def _spec(self, name: str, fitted: fitted_lib.Fitted) -> StreamSpec:
    stream = self.config.streams[name]
    if stream.kind == 'words':
      return StreamSpec(stream.width, stream.length, 1 + max(fitted.vocabulary.values()),
                        fitted.vectors)
    if stream.kind == 'frames':
      return StreamSpec(self._features[name].width, stream.length)
    raise ValueError(f"config.streams.{name}.kind={stream.kind!r}; there are: 'words', 'frames'.")

  def make(self, member: members.Member, *, refit: bool = False) -> functional.Make:
    """How a member's model is made."""
    specs = self._specs(self.fitted(member.fold, refit))
    return make_model(self.config, specs, self.heads, dict(member.settings))

  def _loader(self, split, readers, weights, member, refit):
    place = self.placement
    setting = self.config.data.resident
    if setting not in ('auto', 'always', 'never'):
      raise ValueError(f"config.data.resident={setting!r}; there are: 'auto', 'always', 'never'.")
    limit = self.config.data.resident_gib * 2**30
    fits = loader_lib.resident_bytes(readers, len(self._used)) < limit
    if setting == 'never' or setting == 'auto' and not fits:
      return loader_lib.Streaming(
        readers, split.targets, weights, put=place.feed, local=place.local,
        num_threads=self.config.data.threads, prefetch=self.config.data.prefetch)
    placed = {}
    for name, stream in self.config.streams.items():
      # on the fold's fitted values
      depends = stream.kind == 'words' or stream.normalise in fitted_lib.FITS
      key = (name, member.fold, refit) if depends else (name, None, False)
      if key not in self._placed:
        if depends:  # one fold at a time stays on the device
          self._placed = {k: v for k, v in self._placed.items() if k[0] != name}
        self._placed[key] = loader_lib.place(readers[name], self._used, place.replicate)
      placed[name] = self._placed[key]
    return loader_lib.Resident(placed, split.targets, weights, self._used, put=place.feed,
                               replicate=place.replicate, local=place.local)

  def _plans(self, split, readers, member, refit) -> tuple[plan_lib.Plan, dict[str, plan_lib.Plan]]:
    batch = self.config.batch
    lengths = {name: reader.lengths for name, reader in readers.items()}
    full = {name: reader.spec.length for name, reader in readers.items()}
    buckets = {name: tuple(bounds) for name, bounds in batch.buckets.items()}
    plan = functools.partial(plan_lib.Plan, lengths=lengths, full=full, buckets=buckets,
                             shards=self.placement.shards)
    rows = dict(split.rows) | {'train': self._train_rows(member.fold, refit)}
    train = plan(rows['train'], sampler=batch.sampler, seed=member.seed, batch_size=batch.size,
                 shards=self.placement.shards * batch.accumulate)
    return train, {part: plan(rows[part], sampler='in_order', batch_size=batch.evaluation_size)
                   for part in self._parts}


def open_corpus(config: ml_collections.ConfigDict, name: str) -> source.Corpus:
  """The corpus from where `config.data` says it is."""
  wanted = config.data.get('source', 'records')
  if wanted not in SOURCES:
    raise ValueError(f'config.data.source={wanted!r}; there are: {", ".join(SOURCES)}.')
  frames = [stream.feature for stream in config.streams.values() if stream.kind == 'frames']
  options = {'table': config.data.get('table', '')}
  if wanted != 'table' and options.pop('table'):
    raise ValueError(f'config.data.table={config.data.table!r} is read with '
                     f"config.data.source='table'; it is {wanted!r}.")
  return SOURCES[wanted](name, config.data.path, features=frames,
                         damaged=config.data.get('damaged', 'stop'), **options)


def _factors(class_weights: Sequence[float], ids: np.ndarray) -> np.ndarray:
  """The weight of each row [N] by its label; 0 without one."""
  if ids.ndim == 2:
    return labels_lib.labelled(ids).astype(np.float32)
  return np.array((*class_weights, 0), np.float32)[ids]  # -1 picks the 0


def list_members(
    config: ml_collections.ConfigDict, protocol: protocol_lib.Protocol) -> list[members.Member]:
  """The members of a config."""
  return members.listed(protocol, config.members.folds, config.members.seeds, config.seed,
                        config.members.grid)


def kept_fitted(
    config: ml_collections.ConfigDict, folder: run_folder.RunFolder,
) -> dict[tuple[int, bool], fitted_lib.Fitted]:
  """(fold, refit) -> the values that a run's members were fitted with, where its folder has them.

  A checkpoint is of use with its own vocabulary alone.
  """
  found, listed = {}, list_members(config, protocol_lib.load(config.protocol))
  for member, (phase, refit) in itertools.product(listed, {'select': False, 'refit': True}.items()):
    kept = folder.member(member.name) / f'fitted_{phase}'
    if (member.fold, refit) not in found and fitted_lib.is_whole(kept):
      found[member.fold, refit] = fitted_lib.load(kept)
  return found


def make_model(
    config: ml_collections.ConfigDict, specs: Mapping[str, StreamSpec], heads: Sequence[Any],
    settings: Mapping[str, float] | None = None) -> functional.Make:
  """How the model of a config is made; `settings`: a member's own in place of the config's."""
  model = module('models', config.model.name, 'config.model.name').Model
  sizes = {key: (settings or {}).get(key, value)
           for key, value in config.model.items() if key != 'name'}
  widths = {head.name: head.width for head in heads}
  lacking = set(model.requires) - set(specs)
  if lacking:
    raise ValueError(f'model {config.model.name} requires the streams {model.requires}; '
                     f'config.streams lacks {sorted(lacking)}.')
  return lambda rngs: model(specs, widths, **sizes, rngs=rngs)


def module(folder: str, name: str, field: str):
  """The file `name` of `emojax/<folder>`; a wrong name is answered with the right ones."""
  package = importlib.import_module(f'emojax.{folder}')
  there = sorted(m.name for m in pkgutil.iter_modules(package.__path__))
  if name not in there:
    raise ValueError(f'{field}={name!r} is not a file in emojax/{folder}'
                     f'{near.hint(name, there)}; '
                     f'there are: {", ".join(there)}.')
  return importlib.import_module(f'emojax.{folder}.{name}')


def make_heads(config: ml_collections.ConfigDict, protocol: protocol_lib.Protocol) -> list[Any]:
  """The task's heads; classes come from the protocol."""
  heads = []
  for name, head in config.heads.items():
    if name not in protocol.labels:
      raise ValueError(f'config.heads.{name}: {protocol.name} has labels for '
                       f'{", ".join(protocol.labels)}.')
    labels, field = protocol.labels[name], f'config.heads.{name}.kind'
    kind = module('tasks', head.kind, field).Head
    if labels.form not in kind.forms:
      package = importlib.import_module('emojax.tasks')
      right = [m.name for m in pkgutil.iter_modules(package.__path__)
               if labels.form in module('tasks', m.name, field).Head.forms]
      raise ValueError(f'{field}={head.kind!r}: {protocol.name} has labels for '
                       f'{" or ".join(map(repr, right))}.')
    heads.append(kind.of(name, labels, head))
    if heads[-1].tunes == 'test' and protocol.clean:
      raise ValueError(
        f"config.heads.{name}.thresholds_on='test': thresholds that are found on the part which is "
        f'reported are no honest ones, and only protocols named ..._as_published have them; '
        f"{protocol.name} is none. Set it to 'valid'.")
  if not heads:
    raise ValueError('config.heads is empty; there is nothing to learn.')
  return heads


"""The fields every experiment has, each declared once; an experiment's file states differences.

Any field is overridden on the command line: --config.optim.learning_rate=1e-4. Arguments behind a
colon, joined by commas, change many at once: --config=configs/iemocap_mat.py:tiny.
"""

import ml_collections


def base() -> ml_collections.ConfigDict:
  """The defaults."""
  c = ml_collections.ConfigDict()
  c.protocol = ''  # 'corpus/name', see emojax/protocols
  c.seed = 0  # first seed; --seed on the command line sets it too
  # parameters to begin with: 'PREFIX,PREFIX=RUN/members/{fold}-seed{seed}; ...', '*' for all
  c.init_from = ''
  c.refit = False  # find how many epochs on validation, then train on train + validation with it
  # how probably a modality of an utterance is hidden while training, but never its last one; the
  # model then knows every set of modalities, see `emojax.evaluate --modalities`
  c.modality_dropout = 0.0
  c.evaluate_with_dropout = False  # as FME does: an utterance's score is then that of one draw
  c.fast_dev_run = 0  # N batches of train, validation and test at full size; saves nothing

  c.members = ml_collections.ConfigDict({
    'folds': 'all',  # 'all', or numbers or names: '0,2'
    'seeds': '1',  # how many, counted from `seed`; or a list with a comma: '1,7'
    'grid': '',  # settings that members differ in: 'learning_rate=1e-4,5e-5; dropout=0.1,0.2'
    # 'vmap': all in one program; 'sequential': one after the other; 'auto': what the device likes
    'mode': 'auto',
  })

  c.data = ml_collections.ConfigDict({
    # 'records': what data_builders.build wrote; 'processed': the authors' files; 'table': one of
    # features, see data_builders/tables
    'source': 'records',
    'table': '',  # its name
    'path': '',  # of records and tables: the --data_dir of the build, '' for TFDS's default
    'damaged': 'stop',  # shards: say what is lost, and end; or 'quarantine': go on without it
    'resident': 'auto',  # keep the padded corpus on the device: 'auto', 'always', 'never'
    'resident_gib': 2.0,  # 'auto' does so up to this size
    'threads': 1,  # reading ahead, where it is not resident
    'prefetch': 4,  # batches read ahead
  })

  c.streams = ml_collections.ConfigDict()  # name -> see `words` and `frames`
  c.heads = ml_collections.ConfigDict()  # name -> see `single_label`
  c.model = ml_collections.ConfigDict({'name': ''})  # a file in emojax/models, then its arguments

  c.batch = ml_collections.ConfigDict({
    'size': 32,  # over all devices
    'accumulate': 1,  # parts of a batch that run one after the other, where memory is short
    'evaluation_size': 64,
    'sampler': 'reshuffle',  # each epoch; or 'shuffle_once', 'with_replacement'
    'buckets': ml_collections.ConfigDict(),  # stream -> padded lengths; empty: all to the longest
  })

  c.optim = ml_collections.ConfigDict({
    'name': 'adam',  # or 'adamw', 'adam_tf1', 'sgd'
    'learning_rate': 1e-4,
    'schedule': 'constant',  # or 'cosine': it falls to 0 in num_epochs
    # factors on the rate of parameters, by their names; the first rule that fits counts:
    # 'factors=3; text=0.1'
    'rate_factors': '',
    'b1': 0.9,
    'b2': 0.999,
    'eps': 1e-8,
    'weight_decay': 0.0,  # adamw
    'l2': 0.0,  # added to the gradient, times the parameter: what PyTorch's Adam calls weight_decay
    'clip_norm': 0.0,  # largest global gradient norm; 0: none
    'clip_value': 0.0,  # largest absolute value of an entry of a gradient; 0: none
  })

  c.train = ml_collections.ConfigDict({
    'num_epochs': 99,  # at most; control may stop earlier
    'evaluate_every_epochs': 1,
    'evaluate_every_steps': 0,  # if set, counts instead of epochs
  })

  c.control = ml_collections.ConfigDict({
    'metric': '',  # 'head/metric', of a loss or mae the least; '': what the protocol selects on
    'decay': 1.0,  # factor on the learning rate when validation stalls, with a return to the best
    'decay_times': 0,
    'patience': 0,  # evaluations without a better one, after the last cut, until it stops; 0: never
    'first_evaluation': 0,  # evaluations before this one do not count
    'choose': 'best',  # evaluation on validation; or 'last': none is chosen, training ends there
  })

  c.checkpoint = ml_collections.ConfigDict({
    'every_seconds': 30.0,  # at the first evaluation after so long, and at the end; 0: at each
    'every_steps': 0,  # in the middle of an epoch too, every so many steps; 0: not
    'keep': 2,  # the latest; the best of each member is part of the state
  })

  # What to do when the loss of a batch is not finite, or too large.
  c.guard = ml_collections.ConfigDict({
    'action': 'stop',  # the member; or 'skip': back to the last checkpoint, without that batch
    'largest_loss': 0.0,  # of a batch; 0: any finite one will do
    'most_skips': 3,  # batches that a member may leave out before it stops
  })

  # -1: all devices that are left. A field per axis of the mesh ('member', 'data', 'fsdp').
  c.mesh = ml_collections.ConfigDict({
    'member': 1,
    'data': -1,
    'fsdp': 1,
    # Which axis of a parameter is divided over 'fsdp', by its name; the first rule that fits
    # counts: 'embedding=first; lstm.*weight=last; .=whole'. '': the largest of each large one.
    'rules': '',
  })
  return c


def words(length: int, **changes) -> ml_collections.ConfigDict:
  """A stream of token ids."""
  return ml_collections.ConfigDict({
    'kind': 'words',
    'length': length,  # tokens kept
    'keep': 'first',  # so many, or the 'last'
    'width': 300,  # of a word vector
    'vectors': '',  # a GloVe-style text file, 'random', or 'processed': the authors' cache files
    'missing': 'zeros',  # for words without a vector; or 'uniform': random within a quarter
    'vocabulary': 'shared_unk',  # the original's: UNK and the first word share an id; or 'clean'
    'tokens': 'words',  # without punctuation, the original's; 'words_and_marks' | 'as_given'
    'fit_on': 'labelled',  # training utterances; 'all': those without a label or frames too
  } | changes)


def frames(feature: str, length: int, **changes) -> ml_collections.ConfigDict:
  """A stream of feature frames."""
  return ml_collections.ConfigDict({
    'kind': 'frames',
    'feature': feature,  # the dataset's feature config that holds them
    'length': length,  # frames kept
    'keep': 'first',  # so many, or the 'last'
    'exact': 'kept',  # or 'lost': what is exactly as long is not read
    # whose mean and deviation: 'train', 'speaker', 'utterance'; or 'train_largest': divided by the
    # largest absolute value in training
    'normalise': 'none',
  } | changes)


def single_label(**changes) -> ml_collections.ConfigDict:
  """A head that names one class."""
  return ml_collections.ConfigDict({
    'kind': 'single_label',
    'weight': 1.0,  # in the total loss
    'reduction': 'mean',  # of the loss over a batch, or 'sum'
    'loss': 'softmax',  # cross-entropy; or 'sigmoid', its mean over the classes, each by itself
    'class_weights': 'none',  # or 'balanced', or one number per class
  } | changes)


def multi_label(**changes) -> ml_collections.ConfigDict:
  """A head that names any number of classes."""
  return ml_collections.ConfigDict({
    'kind': 'multi_label',
    'weight': 1.0,  # in the total loss
    'reduction': 'mean',  # of the loss over a batch, or 'sum'
    'over_labels': 'sum',  # an utterance's loss over its labels, or 'mean'
    # factors on the loss of labels that are there: 'none'; 'balanced', how many training utterances
    # lack each over how many have it; or one number per class
    'class_weights': 'none',
    'thresholds': 'none',  # decides above 0.5; 'f1': above each class's best on validation
    'thresholds_on': 'valid',  # or 'test', for protocols named ..._as_published
  } | changes)


def regression(**changes) -> ml_collections.ConfigDict:
  """A head that says numbers, such as a sentiment or valence, activation and dominance."""
  return ml_collections.ConfigDict({
    'kind': 'regression',
    'weight': 1.0,  # in the total loss
    'reduction': 'mean',  # of the loss over a batch, or 'sum'; an utterance's is over its numbers
    'loss': 'l1',  # of a number: the distance, or 'l2' its square, or 'huber' the square up to 1
  } | changes)


def ordinal(**changes) -> ml_collections.ConfigDict:
  """A head that names one of ordered classes."""
  return ml_collections.ConfigDict({
    'kind': 'ordinal',
    'weight': 1.0,  # in the total loss
    'reduction': 'mean',  # of the loss over a batch, or 'sum'; an utterance's is over its questions
    'class_weights': 'none',  # or 'balanced', or one number per class
  } | changes)


def arguments(arg: str | None, *known: str) -> set[str]:
  """The words behind the colon of --config=file.py:word,word; unknown ones are refused."""
  given = set(filter(None, (arg or '').split(',')))
  if given - set(known):
    raise ValueError(
      f'config argument {sorted(given - set(known))}; there are: {", ".join(known)}.')
  return given


def one_of(given: set[str], *choices: str) -> str:
  """The one of `choices` among the words `given`; the first of them where none is."""
  chosen = [choice for choice in choices if choice in given] or [choices[0]]
  if len(chosen) > 1:
    raise ValueError(f'config arguments {chosen}: choose one; there are: {", ".join(choices)}.')
  return chosen[0]

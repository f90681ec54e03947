"""LMF on CMU-MOSI: sentiment as a number, from the features of bc-LSTM or of MMSA.

    python -m data_builders.table mosi/bclstm mosi_bclstm_features.npz mosi_utterances.csv
      --data_dir DATA
    python -m emojax.main --config=configs/mosi_lmf.py --config.data.path=DATA
      --config.members.seeds=5

The authors' code draws its sizes at random; these are MMSA's (rank 3, batches of 64, Adam at 0.001
for factors and all else, L2 penalty 0.005). The loss is summed, as the authors do. Ten epochs, of
which the last counts: nothing is chosen. Text and video vectors come from networks that were
trained on the labels of the whole training part: "validation contaminated".

`:mmsa` reads MMSA's aligned_50.pkl (BERT; `data_builders/tables/README.md`), averages the loss and
chooses on validation, patience 8; its repository: acc2_nonneg 0.779, mae 0.950, corr 0.651. `:tiny`
runs in seconds.
"""

from configs import common, tensor_fusion


def get_config(arg=None):
  chosen = common.arguments(arg, 'mmsa', 'tiny')
  model = tensor_fusion.lmf((128, 16, 128), text_out=64, rank=3, dropout=0.3)
  sizes = dict(batch=64, learning_rate=1e-3, l2=0.005)
  if 'mmsa' in chosen:
    c = tensor_fusion.base('mmsa_aligned', model, lengths=(50, 50, 50), **sizes)
    c = tensor_fusion.sentiment(c, 'mosi/sentiment', reduction='mean')
    c.control.patience = 8
  else:
    c = tensor_fusion.base('bclstm', model, **sizes)
    c = tensor_fusion.sentiment(c, 'mosi/bclstm_sentiment', reduction='sum')
    c.train.num_epochs = 10
    c.control.choose = 'last'
  return tensor_fusion.tiny(c) if 'tiny' in chosen else c

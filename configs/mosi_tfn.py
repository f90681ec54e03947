"""TFN on CMU-MOSI: sentiment as a number, from the features of bc-LSTM or of MMSA.

    python -m data_builders.table mosi/bclstm mosi_bclstm_features.npz mosi_utterances.csv
      --data_dir DATA
    python -m emojax.main --config=configs/mosi_tfn.py --config.data.path=DATA
      --config.members.seeds=5

Sizes, rates and the loss, summed over a batch, are those of the authors' code (batches of 32, Adam
at 0.001). Ten epochs, of which the last counts: nothing is chosen. Text and video vectors come from
networks that were trained on the labels of the whole training part: "validation contaminated".

`:mmsa` reads MMSA's aligned_50.pkl (BERT; `data_builders/tables/README.md`) with MMSA's settings,
and chooses on validation, patience 8; its repository: acc2_nonneg 0.780, mae 0.947, corr 0.673.
`:tiny` runs in seconds.
"""

from configs import common, tensor_fusion


def get_config(arg=None):
  chosen = common.arguments(arg, 'mmsa', 'tiny')
  if 'mmsa' in chosen:
    model = tensor_fusion.tfn((128, 32, 128), text_out=32, post_fusion=64, dropout=0.3,
                              dropout_post=0.5)
    c = tensor_fusion.base('mmsa_aligned', model, batch=32, learning_rate=1e-3,
                           lengths=(50, 50, 50))
    c = tensor_fusion.sentiment(c, 'mosi/sentiment', reduction='mean')
    c.control.patience = 8
  else:
    model = tensor_fusion.tfn((128, 4, 16), text_out=64, post_fusion=32, dropout=0.3,
                              dropout_post=0.3)
    c = tensor_fusion.base('bclstm', model, batch=32, learning_rate=1e-3)
    c = tensor_fusion.sentiment(c, 'mosi/bclstm_sentiment', reduction='sum')
    c.train.num_epochs = 10
    c.control.choose = 'last'
  return tensor_fusion.tiny(c) if 'tiny' in chosen else c

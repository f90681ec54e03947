"""LF-RNN on CMU-MOSEI: any of six emotions, as published.

Dai et al. 2021 (arXiv 2103.09666), a baseline of MME2E. The original's command:

    python main.py -lr=5e-4 -ep=60 -mod=tav -bs=32 -es=8 --hand-crafted --num-emotions=6 --clip=2
      -mo=lf_rnn -hfcs 300 74 35 --dataset=mosei

    python -m emojax.main --config=configs/mosei_lf_rnn.py --config.data.path=DATA

reads the authors' processed files (DATA holds MOSEI_SPLIT, MOSEI_HCF_FEATURES ...). `:generated`
reads a table whose best answers are known, see `data_builders/tables/README.md`. Words: `:ta`,
`:t` ... for -mod, `:tiny` runs in seconds. Flags and fields side by side: `configs/mme2e.py`.
"""

from configs import common, mme2e


def get_config(arg=None):
  chosen = common.arguments(arg, *mme2e.SUBSETS, 'generated', 'tiny')
  return mme2e.baseline(
    'mosei', chosen, name='lf_rnn', text_state='at_the_end')

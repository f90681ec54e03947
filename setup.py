"""What emojax needs, as ranges; the exact versions our scripts install are in `launch/lock.txt`."""

import setuptools

setuptools.setup(
  install_requires=[
    'absl-py>=2.1',
    'array_record>=0.8.3',
    'av>=14',
    'clu>=0.0.12,<0.1',
    'flax>=0.12.8,<0.13',
    'grain>=0.2.15,<0.3',
    'importlib_resources>=6',  # TFDS imports it while it writes, declares it for Python < 3.9 only
    'jax>=0.10.2,<0.13',
    'librosa>=0.11,<2',
    'matplotlib>=3.9',
    'ml_collections>=1.1,<2',
    'ml_dtypes>=0.5',
    'numpy>=2.0',
    'optax>=0.2.6,<0.3',
    'orbax-checkpoint>=0.11.30,<0.13',
    'packaging>=24',
    'pyarrow>=18',
    'scipy>=1.13',
    'soundfile>=0.13',
    'tensorboardX>=2.6',
    'tensorflow-datasets>=4.9.9,<4.10',
    'tokenizers>=0.21',
    'transformers>=5.0,<6',
    'xxhash>=3.4',
  ],
  extras_require={
    'cuda': ['jax[cuda13]'],
    'tpu': ['jax[tpu]'],
    'dev': ['pytest>=8', 'pytest-xdist>=3.6', 'resampy>=0.4.3', 'ruff>=0.9', 'scikit-learn>=1.5',
            'tensorboard>=2.18'],
    'parity': ['torch>=2.6'],
    'opensmile': ['opensmile>=2.6'],  # eGeMAPS, ComParE; for research, see its licence
    'beam': ['apache-beam>=2.77'],  # in an environment of its own: it needs an older protobuf
  },
)

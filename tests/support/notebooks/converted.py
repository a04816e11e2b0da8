"""Notebooks as people write them, which become jobs."""

from tests.support.notebooks.book import Book

_CSV = {"data/train.csv": "x,y\n1,2\n3,4\n", "data/test.csv": "x\n5\n"}
_PANDAS = {"required": {"pandas": "==2.3.3", "matplotlib": "==3.10.8"}}

CONVERTED = (
    Book(
        name="parameters",
        text=r"""
# %% markdown
# Churn
First try.
# %% parameters
epochs = 3  # how often, 100%
lr: float = 1
shuffle = True
name = 'a'
sizes = [8, 8]
# %%
print(epochs + 1, lr / 2, shuffle, name, sizes)
""",
        arguments=("--epochs", "7", "--shuffle", "False", "--lr", "3"),
        prints=("8 1.5 False a [8, 8]",),
        notes=("cell 2, line 5: it is no number, text, true or false",),
    ),
    Book(
        name="table-and-plot",
        text=r"""
# %%
%matplotlib inline
import matplotlib.pyplot as plt
import pandas as pd
# %%
df = pd.read_csv('data/train.csv')
df.head()
# %%
plt.plot([1, 2])
plt.show()
# %%
for n in range(2):
    plt.figure()
    plt.plot(df.rows)
# %%
df.plot(kind='bar');
# %%
plt.plot([3])
plt.savefig('curves/loss.png')
""",
        files=_CSV,
        options=_PANDAS,
        prints=("DataFrame of (2, 2)",),
        leaves=(
            "output/cell-3-figure-1.png",
            "output/cell-4-figure-2.png",
            "output/cell-4-figure-3.png",
            "output/cell-6-figure-4.png",
            "output/curves/loss.png",
        ),
        channels={"data": "data"},
    ),
    Book(
        name="shell-lines",
        text=r"""
# %%
!nvidia-smi
!pip install -q -U 'numpy>=2'
!ls -l
import numpy as np
# %%
word = 'there'
if True:
    !printf 'hello %s %s\n' {word} $word
count = !printf 'a\nb\n' | wc -l
count[0]
# %%
%%bash
set -e
for i in 1 2; do
  echo "line $i"
done
mkdir -p /tmp/x
""",
        prints=("hello there there", "line 2", "\n2\n"),
        notes=("cell 1, line 1: nvidia-smi only shows", "cell 1, line 2: numpy of pip install"),
    ),
    Book(
        name="timing",
        text=r"""
# %%
%%time
total = 0
for n in range(3):
    total += n
# %%
%time print(total)
%timeit total + 1
x = 4 % 3
# %%
%%timeit
slow = 1
# %%
%%capture
print('kept', x)
""",
        prints=("cell 1 took 0.", "3\n", "kept 1"),
    ),
    Book(
        name="files-that-travel",
        text=r"""
# %%
%%writefile helpers.py
WORD = 'from a cell'
# %%
%%writefile -a helpers.py
MORE = 1
# %%
%load_ext autoreload
%autoreload 2
import yaml_like
from helpers import MORE, WORD
print(WORD, MORE)
# %%
from pack.inner import value
print(value, open('settings.yaml').read())
""",
        files={
            "yaml_like.py": "import second\n",
            "second.py": "print('second is here')\n",
            "pack/__init__.py": "",
            "pack/inner.py": "value = 5\n",
            "settings.yaml": "a: 1",
        },
        prints=("second is here", "from a cell 1", "5 a: 1"),
    ),
    Book(
        name="awaited",
        text=r"""
# %%
import asyncio
async def slow(n):
    await asyncio.sleep(0)
    return n
# %%
results = await asyncio.gather(slow(1), slow(2))
text = '''two
lines'''
results
# %%
task = asyncio.create_task(slow(3))
# %%
print(await task, text)
async with asyncio.Lock():
    held = True
# %%
held
""",
        prints=("[1, 2]", "3 two\nlines", "True"),
    ),
    Book(
        name="display-of-everything",
        text=r"""
# %%
from IPython.display import HTML, Image, clear_output, display, Markdown as M
from IPython import get_ipython
# %%
display({'a': 1}, [2])
display(HTML('<b>x</b>'))
clear_output(wait=True)
M('# no')
# %%
get_ipython().run_line_magic('matplotlib', 'inline')
get_ipython().system('printf shell-ran')
# %%
from IPython.core.interactiveshell import InteractiveShell
InteractiveShell.ast_node_interactivity = 'all'
# %%
dict?
?dict
dict.get??
%who
%config InlineBackend.figure_format = 'retina'
# %%
(1,
 2)  # shown
# %%
'a text is documentation'
# %%
5;
""",
        prints=("{'a': 1}", "[2]", "shell-ran", "(1, 2)"),
        notes=("cell 1, line 1: HTML shows nothing in a log", "cell 5, line 1: dict? only shows"),
    ),
    Book(
        name="globals-across-cells",
        text=r"""
# %%
from __future__ import annotations
import os
counter = 0
def step():
    global counter, best
    counter += later
    best = counter
# %%
later = 2
step()
best
# %%
if __name__ == '__main__':
    print('main', os.path.basename(__file__))
# %%
try:
    get_ipython()
except NameError:
    print('no notebook')
# %%
squares = {n: n * later for n in range(2)}
[f(counter) for f in (lambda n: n + later,)]
""",
        prints=("2\n", "main train.py", "no notebook", "[4]"),
    ),
    Book(
        name="paths-by-name",
        text=r"""
# %%
import os
from pathlib import Path
import json
ROOT = Path('data')
BASE = './data'
# %%
rows = (ROOT / 'train.csv').read_text().split()
len(rows)
# %%
split = 'test'
print(open(f'data/{split}.csv').read(), open(os.path.join(BASE, 'train.csv')).readline())
# %%
import glob
print(sorted(os.path.basename(p) for p in glob.glob('data/*.csv')))
# %%
os.makedirs('results', exist_ok=True)
with open('results/scores.json', 'w') as f:
    json.dump({'a': 1}, f)
# %%
print(json.load(open('results/scores.json')))
open('/tmp/scratch-of-a-notebook', 'w').close()
""",
        files=_CSV,
        prints=("3\n", "x\n5", "['test.csv', 'train.csv']", "{'a': 1}"),
        leaves=("output/results/scores.json",),
        channels={"data": "data"},
    ),
    Book(
        name="model-and-submission",
        text=r"""
# %%
import pickle, csv, joblib
# %%
model = {'w': 1}
joblib.dump(model, 'models/m.joblib')
with open('models/raw.pkl', 'wb') as f:
    pickle.dump(model, f)
# %%
print(joblib.load('models/m.joblib'))
with open('/kaggle/working/submission.csv', 'w') as f:
    csv.writer(f).writerow(['id', 'y'])
# %%
len(open('train.csv').readlines())
""",
        files={"train.csv": "1\n2\n"},
        prints=("{'w': 1}", "\n2\n"),
        leaves=("model/models/m.joblib", "model/models/raw.pkl", "output/submission.csv"),
        channels={"input": "."},
    ),
    Book(
        name="kaggle-and-s3",
        text=r"""
# %%
import pandas as pd
train = pd.read_csv('/kaggle/input/titanic-x/train.csv')
print(train.shape)
# %%
other = pd.read_csv('s3://bucket/some/prefix/more.csv')
other.shape
""",
        files={"titanic/train.csv": "x,y\n1,2\n", "prefix/more.csv": "x\n1\n"},
        options=_PANDAS,
        prints=("(1, 2)", "(1, 1)"),
        channels={"titanic_x": "titanic", "prefix": "prefix"},
    ),
    Book(
        name="told-by-the-person",
        text=r"""
# %%
print(open('/data/old/x.txt').read())
save_to('/srv/results')
# %% skip
x = (
# %% raw
---
""",
        files={"elsewhere/x.txt": "seen", "more.py": ""},
        options={
            "channels": {"old": "/data/old"},
            "kept": {"/srv/results": "output"},
            "first": "def save_to(p): open(p + '/r.txt', 'w')",
        },
        prints=("seen",),
        leaves=("output/results/r.txt",),
        channels={"old": "elsewhere"},
    ),
    Book(
        name="guarded-imports",
        text=r"""
# %%
try:
    import google.colab_like
    HERE = True
except ImportError:
    HERE = False
# %%
%pip install --upgrade tiny-package==1.0.2 other[extra]==2.0
print(HERE)
# %%
%env TOKENIZERS_PARALLELISM=false
import os
print(os.environ['TOKENIZERS_PARALLELISM'])
home = %env HOME
""",
        prints=("False", "false"),
    ),
    Book(
        name="torch-ddp",
        text=r"""
# %%
import os
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel as DDP
# %% parameters
steps = 4
lr = 0.1
# %%
dist.init_process_group('gloo')
rank = dist.get_rank()
torch.manual_seed(0)
model = DDP(torch.nn.Linear(2, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=lr)
# %%
for step in range(1, steps + 1):
    loss = ((model(torch.ones(4, 2) * (rank + 1)) - 3) ** 2).mean()
    optimizer.zero_grad(); loss.backward(); optimizer.step()
    print(f'metric step={step} total_steps={steps} loss={loss.item()}')
# %%
if rank == 0:
    torch.save(model.module.state_dict(), 'model.pt')
print('ranks', dist.get_world_size())
dist.destroy_process_group()
""",
        prints=("metric step=4 total_steps=4", "ranks 1"),
        leaves=("model/model.pt",),
    ),
)

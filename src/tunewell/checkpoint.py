"""PROVISIONAL"""
import copy, json, os, pickle, random
import numpy as np
from tunewell.errors import CheckpointError
def capture(objects):
    return {k: (v.bit_generator.state if isinstance(v, np.random.Generator) else copy.deepcopy(v)) for k, v in objects.items()}
def refill(objects, tree):
    for k, v in objects.items():
        if isinstance(v, np.random.Generator): v.bit_generator.state = tree[k]
        else: v.clear(); v.update(tree[k])
def write(path, tree):
    path.parent.mkdir(parents=True, exist_ok=True); b = pickle.dumps(tree); path.write_bytes(b); return len(b)
def read(path):
    return pickle.loads(path.read_bytes())
def random_states(): return (random.getstate(), np.random.get_state())
def set_random_states(s): random.setstate(s[0]); np.random.set_state(s[1])
def seed_everything(seed): random.seed(seed); np.random.seed(seed)

"""Programs for tests of the launcher's TensorFlow: steps that all workers agree on, a file, and a stop at SIGTERM."""

WORKERS = """
import json, os, signal, sys, time
import tensorflow as tf
config = json.loads(os.environ["TF_CONFIG"])
rank, world = config["task"]["index"], len(config["cluster"]["worker"])
attempt = os.environ["SHARDYARD_ATTEMPT"]
stop = [False]
strategy = tf.distribute.MultiWorkerMirroredStrategy()
# After the strategy, which puts a handler of TensorFlow's in the place of any before
signal.signal(signal.SIGTERM, lambda *_: stop.__setitem__(0, True))
steps = int(sys.argv[1])
path = os.path.join(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", "step")

@tf.function
def total(values):
    return strategy.reduce("SUM", strategy.run(lambda: tf.identity(values)), axis=None)

mine = int(open(path).read()) if os.path.exists(path) else 0
start = int(total(tf.constant([float(mine), 0.0])).numpy()[0]) // world
print(f"begin rank={rank} world={world} attempt={attempt} pid={os.getpid()} start={start}", flush=True)
for step in range(start, steps):
    flag = float(total(tf.constant([0.0, float(stop[0])])).numpy()[1])
    # Renamed into place: a worker that is killed in between leaves no empty file
    open(path + ".new", "w").write(str(step))
    os.replace(path + ".new", path)
    if flag:
        print(f"saved rank={rank} step={step}", flush=True)
        sys.exit(75)
    if step == start + 5:
        print(f"going rank={rank} attempt={attempt}", flush=True)
    time.sleep(0.02)
print(f"done rank={rank}", flush=True)
"""

COORDINATED = """
import os, signal, sys, time
import tensorflow as tf
steps = int(sys.argv[1])
resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
kind, index = resolver.task_type, resolver.task_id
print(f"task={kind} index={index} attempt={os.environ['SHARDYARD_ATTEMPT']} pid={os.getpid()}", flush=True)
if kind in ("worker", "ps"):
    tf.distribute.Server(resolver.cluster_spec(), job_name=kind, task_index=index, protocol="grpc").join()
stop = [False]
signal.signal(signal.SIGTERM, lambda *_: stop.__setitem__(0, True))
path = os.path.join(os.environ["SAGEMAKER_BASE_DIR"], "checkpoints", "step")
strategy = tf.distribute.ParameterServerStrategy(resolver)
coordinator = tf.distribute.coordinator.ClusterCoordinator(strategy)
start = int(open(path).read()) if os.path.exists(path) else 0
with strategy.scope():
    count = tf.Variable(float(start))

@tf.function
def step():
    count.assign_add(1.0)

print(f"begin chief start={start}", flush=True)
for number in range(start, steps):
    coordinator.schedule(step)
    coordinator.join()
    open(path + ".new", "w").write(str(number + 1))
    os.replace(path + ".new", path)
    if number == start + 5:
        print(f"going chief attempt={os.environ['SHARDYARD_ATTEMPT']}", flush=True)
    if stop[0]:
        print("saved chief", flush=True)
        sys.exit(75)
    time.sleep(0.02)
print(f"done chief count={count.numpy()}", flush=True)
"""

"""Three lines or so for each table of a job's file; a test parses every one of them."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "": (
        'description = "Digits on two GPUs"\n'
        'secrets = { WANDB_API_KEY = "secret:team/wandb" }\n'
        "hyperparameters = { epochs = 10, learning_rate = 1e-3 }\n"
        'owner = "team-vision"\n'
        'tags = { purpose = "course" }'
    ),
    "image": '[image]\nfolder = "pytorch"                  # containers/pytorch',
    "program": '[program]\nentry = "train.py"\nlauncher = "torchrun"',
    "source": '[source]\ndir = "my-project"                  # train.py lies in it',
    "compute": '[compute]\ninstance_type = "ml.g5.xlarge"\ncount = 2',
    "compute.groups[]": '[[compute.groups]]\nname = "gpus"\ninstance_type = "ml.g5.xlarge"',
    "compute.preferences[]": (
        '[[compute.preferences]]\ninstance_type = "ml.g5.xlarge"\n'
        '[[compute.preferences]]\ninstance_type = "ml.g4dn.xlarge"'
    ),
    "compute.fallback[]": (
        '[[compute.fallback]]\ninstance_type = "ml.g4dn.xlarge"\nhyperparameters = { batch_size = 32 }'
    ),
    "compute.placement": "[compute.placement]\nmultiple_jobs = true",
    "compute.placement.ultra_servers[]": "[[compute.placement.ultra_servers]]\ncount = 2",
    "limits": '[limits]\nmax_runtime = "4h"\nmax_pending = "12h"',
    "spot": '[spot]\nenabled = true\nmax_wait = "8h"\ngive_up = "30m"             # then the next fallback',
    "checkpoints": "[checkpoints]\nenabled = true",
    "channels.NAME": '[channels.train]\ns3 = "digits/train/"\ndistribution = "ShardedByS3Key"',
    "channels.NAME.file_system": ('[channels.train.file_system]\nid = "fs-0123456789abcdef0"\npath = "/dataset/train"'),
    "metrics[]": "[[metrics]]\nname = \"validation_loss\"\nregex = 'val_loss=([0-9.]+)'",
    "output": '[output]\ncompression = "NONE"',
    "network": "[network]\nisolation = true\nencrypt_traffic = true",
    "guards": '[guards]\nstop_on_nan = true\nlongest_silence = "30m"',
    "retry": "[retry]\nattempts = 3",
    "queue": '[queue]\nmax_wait = "6h"\nlongest_wait = "30m"',
    "cost": '[cost]\ncap_usd = 40\nhourly_usd = { "ml.g5.xlarge" = 1.41 }',
    "registry": '[registry]\nenabled = true\ngroup = "digits"',
    "deploy": "[deploy]\nlaunch = true",
    "tensorboard": "[tensorboard]\nenabled = true",
    "mlflow": (
        '[mlflow]\nresource_arn = "arn:aws:sagemaker:us-east-1:123456789012:mlflow-tracking-server/team"\n'
        'experiment = "digits"'
    ),
    "debug": "[debug]\nremote = true",
    "infra_check": "[infra_check]\nenabled = true",
    "session": "[session]\ntag_chaining = true",
    "tuning": (
        '[tuning]\nobjective = { metric = "validation_loss" }\nmax_jobs = 20\nmax_parallel = 2\n'
        'ranges.dropout = { type = "continuous", min = 0, max = 0.5 }'
    ),
    "tuning.objective": '[tuning.objective]\nmetric = "accuracy"\ngoal = "Maximize"',
    "tuning.ranges.NAME": (
        '[tuning.ranges.learning_rate]\ntype = "continuous"\nmin = 1e-5\nmax = 0.1\nscaling = "Logarithmic"'
    ),
    "tuning.hyperband": "[tuning.hyperband]\nmax_resource = 27",
    "tuning.completion": "[tuning.completion]\nnot_improving_jobs = 10",
    "tuning.warm_start": '[tuning.warm_start]\nparents = ["digits-20261130-093000-1a2b"]',
    "tuning.instances[]": (
        '[[tuning.instances]]\ninstance_type = "ml.g5.xlarge"\n[[tuning.instances]]\ninstance_type = "ml.g4dn.xlarge"'
    ),
    "tuning.definitions[]": '[[tuning.definitions]]\nname = "adam"\nhyperparameters = { optimizer = "adam" }',
    "tuning.definitions[].objective": (
        '[[tuning.definitions]]\nname = "adam"\nobjective = { metric = "accuracy", goal = "Maximize" }'
    ),
    "tuning.definitions[].ranges.NAME": (
        '[[tuning.definitions]]\nname = "adam"\nranges.beta = { type = "continuous", min = 0.8, max = 0.99 }'
    ),
    "tuning.definitions[].instances[]": (
        '[[tuning.definitions]]\nname = "adam"\ninstances = [{ instance_type = "ml.g5.2xlarge" }]'
    ),
    "tuning.retrain": "[tuning.retrain]\nenabled = true\nhyperparameters = { epochs = 50 }",
    "model": '[model]\nparameters = "7B"\nsequence = 4096',
}
"""By the table's name on the page."""

PROCESSING: Mapping[str, str] = {
    "": (
        'kind = "processing"\n'
        'description = "Raw pictures into shards, on two nodes"\n'
        'environment = { WORKERS = "4" }\n'
        'owner = "team-vision"'
    ),
    "image": '[image]\nfolder = "pytorch"                  # containers/pytorch',
    "source": '[source]\ndir = "my-project"                  # prepare.py lies in it',
    "compute": '[compute]\ninstance_type = "ml.m5.large"\ncount = 2\nvolume = "50GB"',
    "compute.preferences[]": (
        '[[compute.preferences]]\ninstance_type = "ml.m5.large"\n'
        '[[compute.preferences]]\ninstance_type = "ml.m6i.large"'
    ),
    "compute.fallback[]": (
        '[[compute.fallback]]\ninstance_type = "ml.m5.xlarge"\ncount = 1\nenvironment = { WORKERS = "4" }'
    ),
    "limits": '[limits]\nmax_runtime = "2h"                  # nine days at most',
    "network": "[network]\nisolation = true\nencrypt_traffic = true",
    "queue": '[queue]\nmax_wait = "6h"\nlongest_wait = "30m"',
    "cost": "[cost]\ncap_usd = 5",
    "deploy": "[deploy]\nlaunch = true",
    "program": '[program]\nentry = "training.processing.digits"\narguments = ["--shard", "500"]',
    "spark": '[spark]\napplication = "events.py"\narguments = ["--before", "50"]\npy_files = ["libraries"]',
    "inputs.NAME": '[inputs.raw]\ns3 = "digits/raw/"\ndistribution = "ShardedByS3Key"',
    "inputs.NAME.athena": (
        '[inputs.clicks.athena]\ndatabase = "web"\nquery = "SELECT * FROM clicks WHERE day > 20260101"'
    ),
    "inputs.NAME.redshift": (
        '[inputs.users.redshift]\ncluster = "warehouse"\ndatabase = "web"\nuser = "reader"\n'
        'query = "SELECT id, age FROM users"\ncluster_role_arn = "arn:aws:iam::123456789012:role/unload"'
    ),
    "outputs.NAME": '[outputs.shards]\ns3 = "digits/prepared/"\nupload = "Continuous"',
    "output": '[output]\nkms_key = "alias/team"',
    "experiment": '[experiment]\nname = "digits"',
}
"""The same of a processing job's file."""

TRANSFORM: Mapping[str, str] = {
    "": 'kind = "transform"\ndescription = "Answers for every row"\nenvironment = { WORKERS = "4" }',
    "image": '[image]\nfolder = "pytorch"                  # containers/pytorch',
    "model": '[model]\nrun = "mnist-ddp:latest"',
    "compute": '[compute]\ninstance_type = "ml.m5.large"\ncount = 2',
    "compute.fallback[]": '[[compute.fallback]]\ninstance_type = "ml.m5.xlarge"\ncount = 1',
    "limits": '[limits]\nmax_runtime = "2h"',
    "network": "[network]\nisolation = true",
    "queue": '[queue]\nmax_wait = "6h"\nlongest_wait = "30m"',
    "cost": "[cost]\ncap_usd = 5",
    "deploy": "[deploy]\nlaunch = true",
    "inputs.NAME": '[inputs.rows]\ns3 = "digits/rows/"\ncontent_type = "text/csv"\nsplit = "Line"',
    "output": '[output]\ns3 = "digits/predictions/"\naccept = "text/csv"\nassemble_with = "Line"',
    "batching": '[batching]\nstrategy = "MultiRecord"\nmax_payload_mb = 5\nmax_concurrent = 4',
    "data_processing": (
        '[data_processing]\ninput_filter = "$[1:]"              # not the id\njoin = "Input"\n'
        'output_filter = "$[0,-1]"           # the id, and the answer'
    ),
    "capture": '[capture]\ns3 = "digits/captured/"\ninference_ids = true',
    "experiment": '[experiment]\nname = "digits"',
}
"""The same of a transform job's file."""

AUTOML: Mapping[str, str] = {
    "": 'kind = "automl"\ndescription = "Who leaves next month"\nobjective = "F1"',
    "compute": '[compute]\ninstance_type = "ml.m5.4xlarge"      # costs are counted by it',
    "limits": '[limits]\nmax_runtime = "4h"',
    "network": "[network]\nencrypt_traffic = true",
    "queue": '[queue]\nmax_wait = "6h"\nlongest_wait = "30m"',
    "cost": "[cost]\ncap_usd = 50",
    "deploy": "[deploy]\nlaunch = true",
    "inputs.NAME": '[inputs.training]\ns3 = "tables/customers/"',
    "tabular": '[tabular]\ntarget = "left"\nproblem = "BinaryClassification"',
    "text_classification": '[text_classification]\ncontent = "text"\ntarget = "label"',
    "image_classification": "[image_classification]\nenabled = true",
    "forecasting": ('[forecasting]\ntarget = "sold"\ntimestamp = "day"\nitem = "shop"\nfrequency = "1D"\nhorizon = 14'),
    "candidates": '[candidates]\ncount = 20\nmax_runtime = "30m"',
    "output": '[output]\nkms_key = "alias/team"',
}
"""The same of an AutoML job's file."""

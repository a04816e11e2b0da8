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
    "model": '[model]\nparameters = "7B"\nsequence = 4096',
}
"""By the table's name on the page."""

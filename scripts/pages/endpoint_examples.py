"""Three lines or so for each table of an endpoint's file; a test parses every one of them."""

from collections.abc import Mapping

EXAMPLES: Mapping[str, str] = {
    "": 'description = "Digits, by a small CNN"\nkind = "realtime"\nowner = "team-vision"',
    "model": '[model]\nrun = "mnist-ddp:latest"          # or registry, s3, file',
    "image": '[image]\nfolder = "pytorch"                  # containers/pytorch',
    "variants.NAME": '[variants.main]\ninstance_type = "ml.m5.large"\ncount = 2',
    "variants.NAME.model": '[variants.next.model]\nrun = "mnist-ddp:20261130-093000-1a2b"',
    "variants.NAME.serverless": "[variants.main.serverless]\nmemory_mb = 4096\nconcurrency = 20",
    "variants.NAME.scaling": "[variants.main.scaling]\nleast = 1\nmost = 4\ninvocations = 600          # a minute",
    "variants.NAME.scaling.steps": (
        '[variants.main.scaling.steps]\nmetric = "cpu"\nthreshold = 80\n'
        "changes = [{ beyond = 0, add = 1 }, { beyond = 15, add = 3 }]"
    ),
    "variants.NAME.scaling.steps.changes[]": "[[variants.main.scaling.steps.changes]]\nbeyond = 0\nadd = 1",
    "variants.NAME.scaling.schedules.NAME": (
        '[variants.main.scaling.schedules.morning]\nat = "cron(0 8 ? * MON-FRI *)"\ntimezone = "Europe/Berlin"\n'
        "least = 2\nmost = 8"
    ),
    "multi_model": "[multi_model]\ncache = false",
    "asynchronous": '[asynchronous]\nconcurrency = 4\nerror_topic = "arn:aws:sns:us-east-1:123456789012:failed"',
    "deployment": '[deployment]\nstrategy = "canary"\nstep_percent = 10\nbake = "10m"',
    "alarms": "[alarms]\nlatency_p99_ms = 300\nerrors_5xx_percent = 1",
    "capture": '[capture]\npercent = 20\nparts = "both"',
    "network": "[network]\nisolation = true",
    "encryption": '[encryption]\nresults_key = "arn:aws:kms:us-east-1:123456789012:key/abc"',
    "cost": "[cost]\ncap_usd = 200                       # a month, all scaled out",
}
"""By the table's place; the empty one is the file itself."""

#!/bin/bash
# What SageMaker does around a container, for one instance: configuration, data, the image, the launcher, the results.
# Written by `yard advise --where JOB --template`. Names in braces are CloudFormation's, all others bash's.
# shellcheck disable=SC2154
set -uo pipefail
ml="@ML@"
results="s3://${ArtifactBucket}/@RESULTS@"

# shellcheck disable=SC2329  # by the trap
finish() {
    for name in model output/data checkpoints; do
        if [ -n "$(ls -A "$ml/$name" 2> /dev/null)" ]; then
            tar -C "$ml/$name" -czf "$ml/packed.tar.gz" . && aws s3 cp --only-show-errors "$ml/packed.tar.gz" "$results/$(basename "$name").tar.gz"
        fi
    done
    [ -f "$ml/output/failure" ] && aws s3 cp --only-show-errors "$ml/output/failure" "$results/failure"
    aws s3 cp --only-show-errors "$ml/log" "$results/log"
    @SHUTDOWN@
}
trap finish EXIT

mkdir -p "$ml"/input/config "$ml"/model "$ml"/output/data "$ml"/checkpoints
exec > >(tee "$ml/log") 2>&1

# Past the longest run time nothing may bill, whatever hangs
(sleep @SECONDS@; echo "limits.max_runtime is over"; @SHUTDOWN@) &

@FILES@
@CHANNELS@
registry="$(echo "${ImageUri}" | cut -d/ -f1)"
aws ecr get-login-password --region "${AWS::Region}" | docker login --username AWS --password-stdin "$registry" || exit 1
docker pull --quiet "${ImageUri}" || exit 1
docker run --rm --gpus all --network host --ipc host --stop-timeout 120 --env-file "$ml/environment" \
    --volume "$ml:/opt/ml" "${ImageUri}" train
code=$?
echo "the container ended with exit code $code"
exit $code

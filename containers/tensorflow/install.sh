#!/bin/sh
# Installs what the image needs besides our own code; the Dockerfile runs it, with this folder at /build.
# VARIANT: the hardware. INDEX: an index of packages beside pip's own; may be empty.
set -eu
cd /build

if [ -f /run/secrets/ca.crt ]; then
    export PIP_CERT=/run/secrets/ca.crt SSL_CERT_FILE=/run/secrets/ca.crt REQUESTS_CA_BUNDLE=/run/secrets/ca.crt
fi
if [ -f /run/secrets/pip.conf ]; then
    export PIP_CONFIG_FILE=/run/secrets/pip.conf
fi
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
if ls wheels/*.whl >/dev/null 2>&1; then
    echo "install.sh: packages come from containers/*/wheels alone, and from no network"
    export PIP_NO_INDEX=1 PIP_FIND_LINKS=/build/wheels
elif [ -n "$INDEX" ]; then
    export PIP_EXTRA_INDEX_URL="$INDEX"
fi

# The build for processors must not lie over a base's own build for CUDA
without='^tensorflow-cpu=='
wanted=$(sed -n 's/^tensorflow-cpu==\([0-9.]*\).*/\1/p' requirements.txt)
found=$(python -c 'import importlib.metadata as m; print(m.version("tensorflow").partition("+")[0])' 2>/dev/null || true)
case $VARIANT in
gpu)
    if [ "$found" != "$wanted" ]; then
        echo "install.sh: the variant gpu takes TensorFlow $wanted of its base, and the base has ${found:-none}: write the" \
            "same version in variants.toml and requirements.txt" >&2
        exit 1
    fi
    ;;
*) without='^$' ;;
esac
mkdir -p /tmp/lists
# A package of the lock goes over several lines, each but the last with a backslash at its end
awk -v without="$without" '$0 ~ without {leaving = 1} !leaving {print} leaving && !/\\$/ {leaving = 0}' \
    requirements.lock >/tmp/lists/requirements.lock
grep -v "$without" requirements.txt >/tmp/lists/requirements.txt

# First what the lock has, each package by its checksum; then whatever else the requirements name since it was written
pip install --no-deps --require-hashes --only-binary :all: --requirement /tmp/lists/requirements.lock
pip install --requirement /tmp/lists/requirements.txt
pip install --no-deps --requirement requirements-alone.txt
rm -r /tmp/lists

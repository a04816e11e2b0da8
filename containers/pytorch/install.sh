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

# g++: torch.compile builds C++ at run time. mpirun (18 MB): the strategy of that name. AWS's containers have both.
if ! command -v g++ >/dev/null || ! { command -v mpirun || [ -x /opt/amazon/openmpi/bin/mpirun ]; } >/dev/null; then
    if ls wheels/*.deb >/dev/null 2>&1; then
        apt-get install --yes --no-install-recommends /build/wheels/*.deb
    elif command -v apt-get >/dev/null; then
        if [ -f /run/secrets/ca.crt ]; then
            set -- -o Acquire::https::CaInfo=/run/secrets/ca.crt
        fi
        apt-get "$@" update
        apt-get "$@" install --yes --no-install-recommends g++ openmpi-bin
    else
        echo "install.sh: the base has no g++ and mpirun, and no apt-get to install them: take another base" >&2
        exit 1
    fi
    # Not all bases clear what apt downloads; licences stay. lto1 and the sanitizers: no compilation of torch's uses them
    apt-get clean 2>/dev/null || true
    rm -rf /var/lib/apt/lists/* /var/log/apt /var/log/dpkg.log /var/log/alternatives.log
    rm -rf /usr/share/man /usr/share/info /usr/share/locale /usr/lib/gcc/*/*/lto1 /usr/lib/gcc/*/*/lib?san.a
    rm -f /usr/lib/*-linux-gnu/lib[alt]san.so.* /usr/lib/*-linux-gnu/libubsan.so.*
    find /usr/share/doc -type f ! -name copyright -delete
fi

# Each package by its checksum, and torch apart: its builds for processors and for CUDA differ
pip install --no-deps --require-hashes --only-binary :all: --requirement requirements.lock

wanted=$(sed -n 's/^torch==\([0-9.]*\).*/\1/p' requirements.txt)
found=$(python -c 'import importlib.metadata as m; print(m.version("torch").partition("+")[0])' 2>/dev/null || true)
if [ -n "$wanted" ] && [ -n "$found" ] && [ "$found" != "$wanted" ]; then
    echo "install.sh: the base has torch $found, and requirements.txt wants $wanted: write the same in both" >&2
    exit 1
fi
if [ -n "$wanted" ] && [ -z "$found" ]; then
    case $VARIANT in
    gpu) pip install --no-deps --require-hashes --only-binary :all: --requirement cuda.lock ;;
    cpu)
        pip install --no-deps --only-binary :all: "torch==$wanted+cpu" || {
            echo "install.sh: no index has torch==$wanted+cpu, torch's build for processors (the common one has CUDA and is" \
                "several GB larger): give PyTorch's index as index in containers/*/variants.toml, or put the wheel into" \
                "containers/*/wheels" >&2
            exit 1
        }
        ;;
    esac
fi

# Then whatever else requirements.txt names since the lock was written
pip install --requirement requirements.txt

# What the packages bring and no job reads, a fifth of the image, where it is not in a base's layers already: their own
# tests, the compiler of protocol buffers, symbols that only a debugger looks up
if [ -z "$found" ]; then
    site=$(python -c 'import sysconfig; print(sysconfig.get_path("platlib"))')
    rm -rf "$site"/torch/test "$site"/torch/bin/test_* "$site"/torch/bin/*_test "$site"/torch/bin/*Test
    rm -rf "$site"/torch/bin/protoc*
    if command -v strip >/dev/null; then
        find "$site"/torch/lib "$site"/scipy "$site"/numpy "$site"/sklearn -name '*.so' -exec strip --strip-unneeded {} +
    fi
    for package in numpy scipy sklearn sympy networkx; do
        [ ! -d "$site/$package" ] || find "$site/$package" -depth -type d -name tests -exec rm -rf {} +
    done
fi
